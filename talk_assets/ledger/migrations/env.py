"""Alembic's environment: runs on the connection that `talk_assets.ledger.database` hands over."""

import sqlalchemy as sa
from alembic import context

from talk_assets.ledger.tables import SCHEMA, metadata

connection: sa.Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=lambda name, kind, _: kind != "schema" or name == SCHEMA,
)
context.run_migrations()
