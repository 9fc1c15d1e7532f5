"""Faults on demand in both systems: by name from the command line, or in detail by `/_admin/faults`."""
