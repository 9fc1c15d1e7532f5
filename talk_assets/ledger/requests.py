"""Writes as they were asked of a system, and what was answered: the table, and what fills it.

`audit.write` shows them.
"""

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from talk_assets.ledger.columns import division, identity, json_object, moment, text
from talk_assets.ledger.schema import metadata

# What became of a write that was sent.
DONE, REFUSED, CHANGED, FAILED, DENIED = "done", "refused", "changed", "failed", "denied"

request = sa.Table(
    "request",
    metadata,
    identity("Grows in the order of sending."),
    division(),
    text("run"),
    text("subject"),
    sa.Column("cluster_id", sa.BigInteger, nullable=False),
    text("entity"),
    sa.Column(
        "operation",
        sa.Text,
        sa.CheckConstraint("operation in ('create', 'update', 'delete', 'archive')", name="operation"),
        nullable=False,
    ),
    text("key", "Record that is written; of a create known from the answer on.", null=True),
    text("document", "Of a line: key of its document.", null=True),
    json_object("values", "What is sent, under the system's own names, as canonical text; null clears."),
    sa.Column("lines", JSONB, comment="Of a document that is created: what is sent of its lines."),
    sa.Column("intent", UUID(as_uuid=True), comment="Its note in talk.intent; a deletion has none."),
    moment("sent_at"),
    moment("answered_at", "When the answer was stored; empty while none is known.", null=True),
    sa.Column("status", sa.Integer, comment="HTTP status of the answer."),
    sa.Column(
        "outcome",
        sa.Text,
        sa.CheckConstraint("outcome in ('done', 'refused', 'changed', 'failed', 'denied')", name="outcome"),
        comment="done, refused, changed, failed or denied; empty while not known.",
    ),
    text("words", "What was said when it was not done.", null=True),
    sa.Column(
        "restored",
        sa.Boolean,
        nullable=False,
        server_default=sa.text("false"),
        comment="Whether it was made from history: then names are canonical, and the time is that of storing.",
    ),
    comment="Every write that was asked of a system: what was sent, and what was answered.",
)
sa.Index(None, request.c.sent_at, postgresql_using="brin")


def note_request(
    connection: sa.Connection,
    of_division: str,
    run: str,
    *,
    subject: str,
    cluster_id: int,
    entity: str,
    operation: str,
    key: str | None,
    document: str | None,
    values: Mapping[str, str | None],
    lines: Sequence[Mapping[str, str | None]],
    intent: uuid.UUID | None,
) -> int:
    """Keep a write before it is sent; its number."""
    statement = sa.insert(request).values(
        division=of_division,
        run=run,
        subject=subject,
        cluster_id=cluster_id,
        entity=entity,
        operation=operation,
        key=key,
        document=document,
        values=dict(values),
        lines=[dict(line) for line in lines] if lines else sa.null(),
        intent=intent,
        sent_at=sa.func.now(),
    )
    return int(connection.execute(statement.returning(request.c.id)).scalar_one())


def note_answers(
    connection: sa.Connection,
    numbers: Sequence[int],
    outcome: str,
    *,
    status: int | None = None,
    words: str | None = None,
    key: str | None = None,
) -> None:
    """Keep what was answered to writes that were sent together.

    Args:
        connection: in a transaction.
        numbers: the writes.
        outcome: one of the constants above.
        status: HTTP status, where there was an answer.
        words: what was said when they were not done.
        key: of a create: the record that it made.
    """
    answer: dict[str, object] = {"outcome": outcome, "status": status or None, "words": words}
    if status:
        answer["answered_at"] = sa.func.now()
    if key is not None:
        answer["key"] = key
    connection.execute(sa.update(request).values(answer).where(request.c.id.in_(numbers)))


def drop_requests(connection: sa.Connection, numbers: Sequence[int]) -> None:
    """Forget writes that were not sent after all."""
    connection.execute(sa.delete(request).where(request.c.id.in_(numbers)))
