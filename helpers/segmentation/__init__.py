"""From pictures with masks to a segmenter, with and without prompts."""
