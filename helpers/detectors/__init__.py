"""Everything that scores images after seeing good ones."""
