"""What is synchronised: the mapping files, what the systems' entities can take, and the models of both.

The lowest room of the package: it knows no Dagster, HTTP, database or data frame.
"""
