"""Which column comes from which, from one system through pairs and golden records to the other.

It follows from the mappings alone: neither Dagster nor the ledger is needed. `derive.column_lineage` is the whole of
it, `columns.asset_columns` says what each column is, and `walk` follows one up and down.
"""
