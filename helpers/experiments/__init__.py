"""Runs over many cases and seeds, kept as records."""
