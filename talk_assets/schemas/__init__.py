"""Models of the frames that travel through the platform, built from the mappings: one description per frame."""
