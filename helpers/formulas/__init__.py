"""Pictures given by formulas, and the backbone that is trained on them."""
