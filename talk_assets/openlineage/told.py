"""A run whose beginning and end are told."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.tables import run
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.openlineage.datasets import Places, steps_of
from talk_assets.openlineage.sender import Sender
from talk_assets.settings import Settings
from talk_assets.systems.http import root_of


@contextmanager
def told(
    settings: Settings,
    ledger: Ledger,
    mappings: Mappings,
    capabilities: Capabilities,
    division: str,
    run_id: str,
    addresses: Mapping[str, str],
) -> Iterator[None]:
    """Tell the receiver of OpenLineage events about a run, where one is configured.

    Args:
        settings: name the receiver.
        ledger: what the run stores.
        mappings: what is synchronised.
        capabilities: what the entities can take.
        division: the division.
        run_id: the run.
        addresses: per system its root address.

    Raises:
        ConfigurationError: the receiver's address is none.
    """
    if settings.openlineage_url is None:
        yield
        return
    key = settings.openlineage_api_key
    sender = Sender(root_of(settings.openlineage_url, "OPENLINEAGE_URL"), key.get_secret_value() if key else None)
    made: list[Any] = []

    def started() -> Sequence[Any]:
        from talk_assets.openlineage.events import RunEvents

        steps = steps_of(mappings, capabilities, Places(addresses, division, ledger.engine.url))
        made.append(RunEvents(settings.openlineage_namespace, division, run_id, steps))
        events: Sequence[Any] = made[0].started()
        return events

    def ended() -> Sequence[Any]:
        at = (run.c.division == division, run.c.run_id == run_id)
        with ledger.begin() as connection:
            row = connection.execute(sa.select(run.c.outcome, run.c.summary).where(*at)).one()
        events: Sequence[Any] = made[0].ended(row.outcome, row.summary)
        return events

    sender.send(started)
    try:
        yield
    except BaseException as error:
        kind = type(error).__name__
        sender.send(lambda: made[0].broken(kind))
        raise
    else:
        sender.send(ended)
    finally:
        sender.close()
