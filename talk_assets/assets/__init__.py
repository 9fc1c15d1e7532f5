"""The cycle in Dagster: sources, feeds, matched pairs, merged subjects, sinks, and their checks.

An asset's body runs one step of `talk_assets.cycle` and reports what it did. What the steps hand to each other is in
the ledger, so any asset can be materialized alone, and in any executor.
"""
