"""Classes of very different sizes."""
