"""What a decision rests on: when the records it looked at had changed, and when they were read. For the answer why."""

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.keys import among, keys_of
from talk_assets.ledger.tables import member, record

READ = ["changed", "read_at", "read_run"]
_NAMED = ["name", "property"]


def reads_of(connection: sa.Connection, division: str, names: pd.Series, properties: pd.Series) -> pd.DataFrame:
    """When the values of records were changed in their system, and read.

    Args:
        connection: in a transaction.
        division: the division.
        names: `entity/key` of records; NA where none is meant.
        properties: canonical names, same index.

    Returns:
        `changed` (of the property where the system tells its time, else of the record), `read_at`, `read_run`, with
        the index of the names; missing where nothing is known.
    """
    asked = pd.DataFrame({"name": names.astype("str"), "property": properties.astype("str")})
    split = asked["name"].str.split("/", n=1, expand=True).reindex(columns=[0, 1]).astype("str")
    asked = asked.assign(entity=split[0], key=split[1])
    wanted = keys_of(connection, asked.dropna(), "name", "property", "entity", "key")
    own = sa.type_coerce(record.c.times, JSONB)[wanted.c.property].astext
    found = read_frame(
        connection,
        sa.select(
            wanted.c.name,
            wanted.c.property,
            sa.func.coalesce(sa.cast(own, TIMESTAMP(timezone=True)), record.c.modified).label("changed"),
            record.c.read_at,
            record.c.read_run,
        )
        .join_from(record, wanted, sa.and_(wanted.c.entity == record.c.entity, wanted.c.key == record.c.key))
        .where(record.c.division == division),
    )
    return asked.merge(found, on=_NAMED, how="left")[READ].set_axis(names.index)


def first_evidence(connection: sa.Connection, division: str, clusters: pd.Index, run: str) -> pd.Series:
    """Index cluster, value what is kept of its first decision: now, this run, and when its records were read (JSON)."""
    name = member.c.entity + "/" + member.c.key
    moments = sa.func.jsonb_build_object(
        "changed", record.c.modified, "read_at", record.c.read_at, "read_run", record.c.read_run
    )
    read = sa.func.jsonb_object_agg(name, sa.func.jsonb_strip_nulls(moments))
    found = read_frame(
        connection,
        sa.select(
            member.c.cluster_id,
            sa.func.jsonb_build_object(
                "at", sa.func.clock_timestamp(), "run", sa.cast(run, sa.Text), "read", read
            ).label("first"),
        )
        .join_from(
            member, record, sa.and_(*(record.c[part] == member.c[part] for part in ("division", "entity", "key")))
        )
        .where(
            member.c.division == division,
            member.c.deleted_at.is_(None),
            member.c.cluster_id.in_(among(connection, clusters)),
        )
        .group_by(member.c.cluster_id),
    )
    return pd.Series(found["first"].to_numpy(), index=pd.Index(found["cluster_id"].astype("int64")), dtype="str")
