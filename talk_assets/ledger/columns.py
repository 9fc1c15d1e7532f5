"""The kinds of columns that the ledger's tables have."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

_EMPTY_OBJECT = sa.text("'{}'::jsonb")


def text(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[str]:
    """Text that is always there, unless `null`."""
    return sa.Column(name, sa.Text, nullable=null, comment=comment)


def defaulted(name: str, default: str, comment: str | None = None) -> sa.Column[str]:
    """Text with a default."""
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'"), comment=comment)


def moment(name: str, comment: str | None = None, *, null: bool = False) -> sa.Column[datetime]:
    """A moment, with zone."""
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=null, comment=comment)


def json_object(name: str, comment: str | None = None, *, empty: bool = False) -> sa.Column[object]:
    """A JSON object; `empty` unless given."""
    return sa.Column(name, JSONB, nullable=False, server_default=_EMPTY_OBJECT if empty else None, comment=comment)


def count(name: str, comment: str | None = None) -> sa.Column[int]:
    """A number, 0 unless given."""
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"), comment=comment)


def calls_of(window: str) -> tuple[sa.Column[Any], ...]:
    """What is left of the calls of a minute or a day."""
    return (
        sa.Column(f"{window}_limit", sa.Integer, comment=f"Calls a {window} in all, as Exact told last."),
        sa.Column(f"{window}_left", sa.Integer, comment=f"Calls left until {window}_reset."),
        moment(f"{window}_reset", f"When the calls of the {window} are there again.", null=True),
    )


def identity(comment: str) -> sa.Column[int]:
    """A number that grows with every row; the key."""
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment=comment)


def division() -> sa.Column[str]:
    """The division, in the key of most tables."""
    return text("division", "Administration of Exact that the row belongs to.")
