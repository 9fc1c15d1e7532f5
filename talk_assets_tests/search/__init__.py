"""Invariants by search: random towns of records, people and faults on the real engine and the real ledger."""
