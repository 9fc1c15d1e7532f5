"""Properties that a sync set lacks, such as StandardSalesPrice of Items, read from the bulk set.

They are computed by Exact from other records, so a change of theirs shows only once the item itself changes.
"""

from datetime import timedelta

from talk_assets.systems.exact import dates
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import Endpoint
from talk_assets.systems.exact.odata import Row
from talk_assets.systems.exact.values import MODIFIED

# Whether a filter on Modified means the site's wall clock or UTC is not documented; they are two hours apart at most.
_CLOCK_DOUBT = timedelta(hours=2)
_BEGINNING = "1900-01-01T00:00:00"


def complete_from_bulk(
    client: ExactClient, endpoint: Endpoint, key: str, rows: list[Row], names: list[str], doing: str
) -> None:
    """Add properties to rows of a sync set, in place; no call is sent for no rows.

    Bulk sets want a `$select` and, as their ordinary twins, a filter (Exact reference, Bulk API). A row that the bulk
    set does not show stays without the properties.

    Args:
        client: sends the calls.
        endpoint: the entity's sets.
        key: its key property.
        rows: what the sync set brought, as Exact prints it.
        names: the properties to add.
        doing: what is attempted, for errors.

    Raises:
        As `ExactClient.pages`.
    """
    if not rows or endpoint.bulk is None:
        return
    pages = client.pages(
        endpoint.bulk,
        doing=f"{doing} ({', '.join(names)})",
        scope=endpoint.scope,
        filter=f"{MODIFIED} ge datetime'{_earliest(rows)}'",
        select=",".join([key, *names]),
    )
    found = {row.get(key): row for page in pages for row in page}
    for row in rows:
        extra = found.get(row[key], {})
        row.update({name: extra[name] for name in names if name in extra})


def _earliest(rows: list[Row]) -> str:
    """The wall-clock time from which the bulk set shows all rows; from the beginning when one has no readable time."""
    try:
        first = min(dates.wall_clock(str(row.get(MODIFIED))) for row in rows)
        return (first - _CLOCK_DOUBT).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return _BEGINNING
