"""What a classifier of made-up damage learned."""
