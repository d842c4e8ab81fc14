"""From pictures with boxes to a detector of defects, and how it is measured."""
