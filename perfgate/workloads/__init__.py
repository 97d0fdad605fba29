"""What perfgate measures of its own: models with random weights."""
