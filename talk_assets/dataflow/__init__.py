"""The data-flow document: what is synchronised, flow by flow and property by property, from the mappings alone."""
