"""The audit: views, export, retention, lineage events."""
