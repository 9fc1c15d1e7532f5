"""Alembic migrations of the schema `talk`, run by `talk_assets.ledger.database`."""
