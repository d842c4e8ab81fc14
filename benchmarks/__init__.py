"""Measurements against the usual ways, each with its command; see README.md."""
