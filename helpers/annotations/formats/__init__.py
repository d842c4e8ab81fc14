"""A module for each file format of annotations."""
