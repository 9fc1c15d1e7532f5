"""The steps of the cycle on the ledger and the systems: collect, match, merge, deliver, confirm.

Each step loads frames, calls the engine, and stores what it decided in one transaction. Nothing here knows Dagster:
`talk_assets.assets` runs these steps, and so can a test.
"""
