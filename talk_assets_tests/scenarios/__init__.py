"""Cases of two-way sync as data, played on the real engine and the real ledger; see `python -m` of this package."""
