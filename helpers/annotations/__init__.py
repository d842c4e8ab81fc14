"""Objects with outlines, whatever file they came from or go to."""
