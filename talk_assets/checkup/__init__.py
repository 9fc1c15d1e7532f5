"""Whether a configured system lets us do what the mappings ask of it, found out without writing anything."""
