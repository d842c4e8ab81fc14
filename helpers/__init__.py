"""The working parts behind the notebooks of One Bad Nut: one small module for each idea."""
