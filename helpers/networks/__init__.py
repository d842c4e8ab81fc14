"""Backbones, their weights, and how networks are trained and used."""
