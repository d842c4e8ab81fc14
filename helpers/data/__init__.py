"""From files to a category of images."""
