"""The engine: compare, match, decide, plan. Pure functions on data frames.

Nothing here imports Dagster, HTTP or the database, and nothing loops over records: loops run over properties and over
the few entities of a subject.

Values are canonical text (decimals `2.5`, dates `2024-01-31`, booleans `true`), missing values are NA. A reference is
the text `entity/key`, for instance `customerp.customer/17`. A cluster is known by its number.
"""
