"""Customerp as a local server that keeps to the published contract."""
