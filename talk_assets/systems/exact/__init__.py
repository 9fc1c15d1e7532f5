"""Exact Online over its REST API: reading by row version, writing by POST and PUT, one OAuth connection."""
