"""What builds, prints and reports: run each as ``python -m tools.NAME``."""
