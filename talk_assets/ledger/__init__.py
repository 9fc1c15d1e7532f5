"""State in PostgreSQL: tables, bulk in and out, migrations, the embedded server."""
