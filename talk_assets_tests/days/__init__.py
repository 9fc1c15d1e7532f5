"""Random days of an administration with the shipped mappings: people on both sides, and what happens on the way."""
