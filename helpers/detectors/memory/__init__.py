"""How far features are from remembered good ones."""
