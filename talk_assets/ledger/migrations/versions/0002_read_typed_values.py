"""Read typed values from text.

Revision: 0002, after 0001.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the functions that the views read values with."""
    # They give null for a text of another form, so that no stored value can make a view fail.
    op.execute(r"""
        create or replace function talk.as_numeric(value text) returns numeric language sql immutable parallel safe
        return case when value ~ '^-?[0-9]{1,100}(\.[0-9]{1,100})?$' then value::numeric end
    """)
    op.execute("""
        create or replace function talk.as_boolean(value text) returns boolean language sql immutable parallel safe
        return case value when 'true' then true when 'false' then false end
    """)
    op.execute("""
        create or replace function talk.as_date(value text) returns date language sql immutable parallel safe
        return case when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and value >= '0001' then
            -- Counted from the first of the month: a day that does not exist falls into another month.
            case when extract(month from make_date(left(value, 4)::int, substr(value, 6, 2)::int, 1)
                + right(value, 2)::int - 1) = substr(value, 6, 2)::int
            then make_date(left(value, 4)::int, substr(value, 6, 2)::int, 1) + right(value, 2)::int - 1 end end
    """)
