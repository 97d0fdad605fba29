"""The two sides of a comparison: their commits, work trees, environments, and proof of each."""
