"""Which systems a ledger was filled from: links into one company's records mean nothing in another's."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import sqlalchemy as sa

from talk_assets.errors import ConfigurationError
from talk_assets.ledger.cursors import read_cursor, store_cursor


def confirm_origin(connection: sa.Connection, division: str, addresses: Mapping[str, str]) -> None:
    """Make sure that the systems are those that the division's state came from.

    Args:
        connection: in a transaction.
        division: the division.
        addresses: name of the setting to the system's address.

    Raises:
        ConfigurationError: a system has another address than before.
    """
    for setting, address in addresses.items():
        now = _place(address)
        known = read_cursor(connection, division, f"origin.{setting}")
        if known not in (None, now):
            raise ConfigurationError(
                f"{setting} names {now}, but the ledger of division {division} was filled from {known}: its links "
                "would write into other records. If the same records are there under the new address, run "
                "`talk-assets sync --moved` once; otherwise use another TALK_HOME or TALK_DATABASE_URL."
            )


def remember_origin(connection: sa.Connection, division: str, addresses: Mapping[str, str], run_id: str) -> None:
    """Keep where the division's state comes from, once the systems there have answered."""
    for setting, address in addresses.items():
        if read_cursor(connection, division, f"origin.{setting}") != _place(address):
            store_cursor(connection, division, f"origin.{setting}", _place(address), run_id)


def _place(address: str) -> str:
    """The address without what may be secret in it, and in one spelling."""
    parts = urlsplit(address)
    host = (parts.hostname or address) + (f":{parts.port}" if parts.port else "")
    return host + parts.path.rstrip("/")
