"""Changes of training pictures: colours, and damage made on purpose."""
