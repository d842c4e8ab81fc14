"""What a classifier of synthetic defects learned."""
