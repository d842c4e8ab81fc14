"""The checks behind the exercises, a module for each chapter."""
