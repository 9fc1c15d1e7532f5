"""One administration as it lies in real systems, and the syncs that several modules look at: each costs seconds."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from talk_assets_tests.installed import SMALL, Done, Home, Sandbox, home, sandbox

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from talk_assets_tests.conftest import DatabaseServer

# What Exact says to the customer that is new before the last sync, and where another one has moved.
REFUSAL = "Invalid value: the company is on the moon"
NEWCOMER = "Maanlander B.V."
CITY = "Schiermonnikoog"


@dataclass
class Administration:
    """Both systems, a home, and what the commands in it said, one after the other.

    Attributes:
        systems: some of their records break a rule, share a key, or are not for us to write.
        place: the home.
        before: `status` before the first sync.
        before_json: the same with `--json`.
        first: `sync --json` as a process of its own.
        second: `sync --json` with nothing edited in between.
        second_calls: what that asked of the systems.
        partly: `sync --json` after a customer moved and one came, while Customerp keeps its products from us and Exact
            refuses the one who came.
        newcomer: key of that customer.
    """

    systems: Sandbox
    place: Home
    before: Done
    before_json: Done
    first: Done
    second: Done
    second_calls: dict[str, Counter[str]]
    partly: Done
    newcomer: str


@contextmanager
def administered(server: DatabaseServer) -> Iterator[Administration]:
    """Run the syncs, and keep the systems and the home while the block runs."""
    with sandbox({**SMALL, "bad": 3}) as systems, home(systems.settings, server) as place:
        before, before_json = place.call("status"), place.call("status", "--json")
        first = place.run("sync", "--confirm", "--json")
        systems.forget_calls()
        second = place.call("sync", "--json")
        calls = systems.calls()
        held = {hold["key"] for hold in place.call("status", "--json").json["holds"]}
        customer = next(record for record in systems.customerp("customers") if record["Id"] not in held)
        systems.edit_customerp(f"customers/{customer['Id']}", City=CITY)
        newcomer = systems.add_customerp("customers", Name=NEWCOMER, Number="M-1")
        systems.fault("exact", method="POST", path="crm/Accounts", message=REFUSAL)
        forbidden = {"title": "Forbidden", "status": 403}
        systems.fault("customerp", path="^/products", status=403, body=forbidden, times=None)
        partly = place.call("sync", "--json")
        systems.end_faults()
        yield Administration(systems, place, before, before_json, first, second, calls, partly, newcomer)
