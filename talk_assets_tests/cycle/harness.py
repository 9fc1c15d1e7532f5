"""A world for tests of the cycle: both systems on real HTTP, a real ledger, users on both sides, and syncs."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import sqlalchemy as sa
from pydantic import SecretStr

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.cycle.poll import poll, poll_deletions
from talk_assets.cycle.report import finish
from talk_assets.installation import Installation, open_installation
from talk_assets.ledger.bulk import read_frame
from talk_assets.sandbox.customerp.app import create_app as customerp_app
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.exact.app import create_app as exact_app
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.installation import EXACT_DIVISION, ensure_seeded
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.store import Store
from talk_assets.settings import Settings
from talk_assets.systems.clock import REAL_TIME
from talk_assets.systems.clock import Clock as ConnectorClock
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.stage import Clock, Driven, Interruption, stage

Values = dict[str, Any]
_TOKEN = "customerp-token"
# Where the admin addresses of each system keep an entity; Customerp's lines lie inside their documents.
_PLACES = {
    "customerp.customer": "customers",
    "customerp.contact": "contacts",
    "customerp.employee": "employees",
    "customerp.product": "products",
    "customerp.quote": "quotes",
    "customerp.order": "orders",
    "exact.accounts": "Accounts",
    "exact.contacts": "Contacts",
    "exact.employees": "Employees",
    "exact.items": "Items",
    "exact.quotations": "Quotations",
    "exact.quotation_lines": "QuotationLines",
    "exact.salesorders": "SalesOrders",
    "exact.salesorder_lines": "SalesOrderLines",
}
_LINES = {
    "exact.quotations": ("exact.quotation_lines", "QuotationID"),
    "exact.salesorders": ("exact.salesorder_lines", "OrderID"),
}


class World:
    """Both systems, a ledger, and what users and data teams do with them.

    Attributes:
        employer: key of the employer's own account in Exact.
        installation: the installation that syncs.
        stores: the records of each system, below the rules of its interface.
    """

    def __init__(self, installation: Installation, stores: Mapping[str, Store], employer: str) -> None:
        self.installation = installation
        self.stores = stores
        self.employer = employer
        self._http = {system: httpx.Client(base_url=url, timeout=30) for system, url in stage().addresses.items()}
        self._syncs = 0

    def close(self) -> None:
        for client in self._http.values():
            client.close()

    # What users do.

    def add(self, entity: str, **values: Any) -> str:
        """Create a record as a user; its key. `modified` sets its time."""
        return str(self._admin("POST", entity, json=values)["key"])

    def edit(self, entity: str, key: str, **values: Any) -> None:
        """Change the named properties of a record as a user; `modified` sets its time."""
        self._admin("PUT", entity, f"/{key}", json=values)

    def remove(self, entity: str, key: str) -> None:
        """Delete a record as a user."""
        self._admin("DELETE", entity, f"/{key}")

    def restore(self, entity: str, key: str, **values: Any) -> None:
        """Bring a deleted record back under its key, with these values and no others, as from a backup."""
        system, _, name = entity.partition(".")
        at = ("customerp", "main", name) if system == "customerp" else (system, str(EXACT_DIVISION), _PLACES[entity])
        self.stores[system].restore(*at, key, values)

    def overwrite(self, entity: str, key: str, **values: Any) -> None:
        """Change the named properties of a record of Exact below its rules, as data that is older than them."""
        store, at = self.stores["exact"], ("exact", str(EXACT_DIVISION), _PLACES[entity], key)
        held = store.get(*at)
        assert held is not None
        store.update(*at, {name: v for name, v in (held.body | values).items() if v is not None})

    def show(self, entity: str, key: str) -> Values:
        """A record in clear, as its system keeps it."""
        values: Values = self._admin("GET", entity, f"/{key}")["values"]
        return values

    def all(self, entity: str) -> dict[str, Values]:
        """All records of an entity in clear, by key."""
        return {item["key"]: item["values"] for item in self._admin("GET", entity)["items"]}

    def lines(self, document: str, key: str) -> dict[str, Values]:
        """A document's lines in clear, by key, in their order."""
        if document.startswith("customerp"):
            return {f"{key}/{line['Id']}": line for line in self.show(document, key)["Lines"]}
        entity, parent = _LINES[document]
        mine = {name: line for name, line in self.all(entity).items() if line[parent] == key}
        return dict(sorted(mine.items(), key=lambda item: int(item[1]["LineNumber"])))

    def add_line(self, document: str, key: str, **values: Any) -> str:
        """Add a line to a document as a user; its key."""
        if document.startswith("exact"):
            entity, parent = _LINES[document]
            return self.add(entity, **{parent: key}, **values)
        before = set(self.lines(document, key))
        self.edit(document, key, Lines=[values])
        (added,) = set(self.lines(document, key)) - before
        return added

    def edit_line(self, document: str, key: str, line: str, **values: Any) -> None:
        """Change a line as a user."""
        if document.startswith("exact"):
            self.edit(_LINES[document][0], line, **values)
        else:
            beside = {name: values.pop(name) for name in ("modified", "checked") if name in values}
            self.edit(document, key, Lines=[{"Id": line.removeprefix(f"{key}/"), **values}], **beside)

    def remove_line(self, document: str, key: str, line: str) -> None:
        """Delete a line as a user; Customerp's interface has no such call, its own screens have."""
        if document.startswith("exact"):
            self.remove(_LINES[document][0], line)
            return
        name = document.partition(".")[2]
        stored = self.stores["customerp"].get("customerp", "main", name, key)
        assert stored is not None
        left = [kept for kept in stored.body["Lines"] if f"{key}/{kept['Id']}" != line]
        self.stores["customerp"].update("customerp", "main", name, key, stored.body | {"Lines": left})

    # What a data team changes.

    @contextmanager
    def reopened(self, clock: ConnectorClock = REAL_TIME, **settings: Any) -> Iterator[None]:
        """Another installation on the same ledger and systems, with another clock or some settings changed."""
        before = self.installation
        try:
            with open_installation(before.settings.model_copy(update=settings), clock) as self.installation:
                yield
        finally:
            self.installation = before

    # What happens to calls.

    def fault(self, system: str, **wish: Any) -> None:
        """Order a fault, see `talk_assets.sandbox.faults.model`."""
        answer = self._http[system].post("/_admin/faults", json=wish)
        assert answer.status_code == httpx.codes.CREATED, answer.text

    def end_faults(self) -> None:
        """Take all faults away."""
        for client in self._http.values():
            client.delete("/_admin/faults")

    def interrupt(self, interruption: Interruption | None) -> None:
        """See `stage.Interruption`."""
        stage().interruption = interruption

    # Syncs.

    def sync(self, *, between: Callable[[], None] | None = None, preview: bool = False, ended: bool = False) -> Report:
        """One whole cycle.

        Args:
            between: what happens after everything was decided and before anything is delivered.
            preview: whether nothing is stored or written.
            ended: whether its end is noted, which spares the next one some questions.
        """
        self._syncs += 1
        for client in self._http.values():
            client.delete("/_admin/calls")
        report = Report()
        with self.installation.cycle(f"sync {self._syncs}", preview=preview) as cycle:
            self.take(cycle, report)
            if between is not None:
                between()
            self.give(cycle, report)
            if ended:
                finish(cycle, {"writes": {}}, complete=True)
            report.needed = cycle.needed
        for system, client in self._http.items():
            report.calls[system] = Counter(client.get("/_admin/calls").json()["calls"])
        return report

    @staticmethod
    def take(
        cycle: Cycle, report: Report, subjects: Sequence[str] = (), after_each: Callable[[], None] | None = None
    ) -> None:
        """Collect, match and merge everything, or these subjects only; `after_each` comes after each feed."""
        for system in cycle.systems:
            poll_deletions(cycle, system)
        chosen = {n: s for n, s in cycle.mappings.subjects.items() if n in subjects or not subjects}
        for entity in cycle.mappings.entities:
            if any(entity in subject.entities for subject in chosen.values()):
                report.collected[entity] = poll(cycle, entity)
                if after_each is not None:
                    after_each()
        for name, subject in chosen.items():
            for flow in subject.flows:
                report.matched[flow] = match(cycle, flow)
            report.merged |= {merged.subject: merged for merged in merge(cycle, name)}

    @staticmethod
    def give(cycle: Cycle, report: Report, subjects: Sequence[str] = ()) -> None:
        """Deliver everything, or these subjects only, Exact first, and confirm what was written."""
        for system in ("exact", "customerp"):
            for name, subject in cycle.mappings.subjects.items():
                for entity in subject.entities:
                    if entity.startswith(system) and (name in subjects or not subjects):
                        done = report.delivered[entity] = deliver(cycle, entity)
                        if done.created or done.updated or done.deleted or done.failed:
                            confirm(cycle, entity)

    @property
    def run_id(self) -> str:
        """The last sync's."""
        return f"sync {self._syncs}"

    # What a data team reads.

    def query(self, text: str, **parameters: Any) -> pd.DataFrame:
        """Rows of the ledger."""
        with self.installation.ledger.begin() as connection:
            return read_frame(connection, sa.text(text), parameters)

    def rows(self, text: str, **parameters: Any) -> list[Values]:
        """Rows of the ledger, one dictionary each; None where there is no value."""
        frame = self.query(text, **parameters).astype(object)
        return [{str(k): v for k, v in row.items()} for row in frame.where(frame.notna(), None).to_dict("records")]

    def holds(self) -> list[Values]:
        """Everything that is held, with its reason."""
        return self.rows("select entity, key, kind, property, reason, value from talk.hold order by entity, key, kind")

    def held(self, kind: str | None = None) -> set[str]:
        """`entity/key` of what is held."""
        return {f"{hold['entity']}/{hold['key']}" for hold in self.holds() if kind in (None, hold["kind"])}

    def owed(self, entity: str | None = None) -> list[Values]:
        """Everything that is owed."""
        every = self.rows("select * from talk.owed order by cluster_id, entity")
        return [row for row in every if entity in (None, row["entity"])]

    def cluster(self, entity: str, key: str) -> int | None:
        """The number of a record's cluster."""
        found = self.rows("select cluster_id from talk.member where entity = :e and key = :k", e=entity, k=key)
        return int(found[0]["cluster_id"]) if found else None

    def partner(self, entity: str, key: str, other: str) -> str | None:
        """The key of a record's counterpart in another entity."""
        found = self.rows(
            "select b.key from talk.member a join talk.member b using (cluster_id) "
            "where a.entity = :e and a.key = :k and b.entity = :o and b.deleted_at is null",
            e=entity,
            k=key,
            o=other,
        )
        assert len(found) < 2, f"{entity}/{key} has {len(found)} counterparts in {other}"
        return str(found[0]["key"]) if found else None

    def twin(self, entity: str, key: str, other: str) -> str:
        """The same, of a record that must have one."""
        found = self.partner(entity, key, other)
        assert found is not None, f"{entity}/{key} has no {other}; held: {self.holds()}; owed: {self.owed()}"
        return found

    def _admin(self, method: str, entity: str, path: str = "", **options: Any) -> Any:
        system = entity.partition(".")[0]
        root = f"/_admin/{EXACT_DIVISION}" if system == "exact" else "/_admin"
        answer = self._http[system].request(method, f"{root}/{_PLACES[entity]}{path}", **options)
        assert answer.is_success, f"{method} {entity}{path}: {answer.text}"
        return answer.json() if answer.content else None


@contextmanager
def open_world(
    database_url: str,
    home: Path,
    *,
    seed: SeedOptions | None = None,
    mappings: Path | None = None,
    page_size: int = 1000,
    clock: Driven | None = None,
    sleep: Callable[[float], None] = time.sleep,
    limits: Mapping[str, int] | None = None,
) -> Iterator[World]:
    """A world with both systems, empty but for the employer's own account, or seeded.

    Args:
        database_url: address of an empty ledger.
        home: folder for the key file.
        seed: what both systems are filled with.
        mappings: folder of mapping files instead of the shipped ones.
        page_size: records on a page of a feed.
        clock: that of both systems and of the connectors; real time without it.
        sleep: what the connector of Exact does with a wait in real time.
        limits: of Exact's calls and tokens, see `ExactConfig`; without them there are none.
    """
    with ExitStack() as stack:
        store = Store(clock=Clock() if clock is None else clock)
        stack.callback(store.close)
        if seed is not None:
            employer = ensure_seeded(store, seed)
        else:
            employer = ExactState(store, EXACT_DIVISION).add("Accounts", {"Name": "Werkgever BV", "Code": "900000"})
        apps = _applications(store, page_size, limits or {})
        stack.enter_context(stage().playing(*apps))
        settings = connection_settings(database_url, home, employer, mappings)
        measured = ConnectorClock(sleep=sleep) if clock is None else ConnectorClock(clock, clock.sleep)
        installation = stack.enter_context(open_installation(settings, measured))
        world = World(installation, {"customerp": store, "exact": store}, employer)
        stack.callback(world.close)
        yield world


def connection_settings(database_url: str, home: Path, employer: str, mappings: Path | None = None) -> Settings:
    """Settings as a team writes them that connects two systems of its own."""
    addresses = stage().addresses
    return Settings(
        _env_file=None,
        talk_home=home,
        talk_database_url=SecretStr(database_url),
        talk_mappings=mappings,
        customerp_url=addresses["customerp"],
        customerp_token=SecretStr(_TOKEN),
        exact_url=addresses["exact"],
        exact_division=EXACT_DIVISION,
        exact_client_id="app",
        exact_client_secret=SecretStr("app-secret"),
        exact_refresh_token=SecretStr("first-refresh"),
        exact_employer_account=employer,
    )


def _applications(store: Store, page_size: int, limits: Mapping[str, int]) -> tuple[Any, Any]:
    free = {
        "token_refresh_seconds": 0,
        "calls_per_minute": 1_000_000,
        "calls_per_day": 10_000_000,
        "errors_per_hour": 1_000_000,
    }
    exact = ExactConfig(
        divisions={EXACT_DIVISION: "Werkgever BV"},
        client_id="app",
        client_secret="app-secret",
        refresh_token="first-refresh",
        large_page_size=page_size,
        admin=True,
        **(free | dict(limits)),  # type: ignore[arg-type]
    )
    customerp = CustomerpConfig(_TOKEN, full_page=page_size, admin=True)
    return customerp_app(store, config=customerp), exact_app(store, config=exact)
