"""What a network cannot reconstruct."""
