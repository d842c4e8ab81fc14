"""How probable features are: normalising flows."""
