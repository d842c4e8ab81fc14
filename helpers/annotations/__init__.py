"""Objects with outlines, whatever file they came from or go to."""

from helpers.annotations.objects import annotate
