"""The renderer of hazelnuts, good and damaged."""
