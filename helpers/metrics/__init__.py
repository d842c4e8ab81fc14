"""How good scores, maps, classes and masks are."""
