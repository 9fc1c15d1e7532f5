"""Made-up business data for both systems of the sandbox, the same for the same seed."""
