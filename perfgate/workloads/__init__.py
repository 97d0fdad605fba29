"""What perfgate measures of its own: small models with random weights."""
