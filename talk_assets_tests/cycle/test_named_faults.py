"""Every fault that has a name, in the midst of edits on both sides: nothing is lost, and nothing is there twice.

Waits are over at once here; an hour goes by when a test says so.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from talk_assets.cycle import recover
from talk_assets.cycle.collect import collect, collect_deletions
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.errors import AccessDenied, SystemFault
from talk_assets.mappings.load import PACKAGED_MAPPINGS
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets.sandbox.faults.names import NAMED
from talk_assets.systems import http
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import World, open_world

pytestmark = pytest.mark.soak


_ENTITIES = {"customerp": "customerp.customer", "exact": "exact.accounts"}
# Where a fault that can meet any call meets those that matter here.
_READS = {
    "customerp": {"method": "GET", "path": "^/customers$"},
    "exact": {"method": "GET", "path": "/sync/CRM/Accounts"},
}
_WRITES = {
    "customerp": {"method": "POST|PATCH", "path": "^/customers"},
    "exact": {"method": "POST|PUT", "path": "/crm/Accounts"},
}
# Enough pairs that two pages are read for the edits of one round.
_PAIRS, _PAGE = 4, 2
# Seconds that an answer is waited for.
_PATIENCE = 0.3


@dataclass(frozen=True)
class Case:
    """A fault of a system; `calls` are those that it meets, where its name alone does not say."""

    system: str
    name: str
    calls: str

    @property
    def wish(self) -> dict[str, Any]:
        place = {"read": _READS, "write": _WRITES}[self.calls][self.system]
        fields = NAMED[self.name].fields(self.system) or {}  # type: ignore[arg-type]
        wish: dict[str, Any] = {"fault": self.name, **place}
        if "delay" in fields:
            wish["delay"] = 3 * _PATIENCE
        if self.calls == "write" and "method" in fields:
            wish["method"] = fields["method"]
        return wish

    def __str__(self) -> str:
        return f"{self.name} {self.system} {self.calls}"


def _cases() -> list[Case]:
    found = []
    for name, named in NAMED.items():
        for system in _ENTITIES:
            fields = named.fields(system)  # type: ignore[arg-type]
            # A refusal, a lost login and a code that is new wait for a person: they have tests of their own.
            if fields is None or name in ("refusal", "revoked-login", "new-code"):
                continue
            method = fields.get("method")
            calls = ["read", "write"] if method is None else ["read"] if method == "GET" else ["write"]
            found += [Case(system, name, each) for each in calls]
    return found


@pytest.fixture(scope="module")
def naps() -> Iterator[list[float]]:
    """Waits are over at once, and told; an answer is not waited for long; what did not arrive never will."""
    slept: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
        for defaults in (http.HttpClient.__init__.__kwdefaults__, ExactSystem.__init__.__kwdefaults__):
            assert defaults is not None
            patch.setitem(defaults, "sleep", slept.append)
            patch.setitem(defaults, "timeout", _PATIENCE)
        yield slept


@contextmanager
def _companies(server: DatabaseServer, home: Path, naps: list[float]) -> Iterator[World]:
    """Linked companies, created in either system from the other, read in pages of two."""
    mappings = home / "mappings"
    mappings.mkdir()
    for file in PACKAGED_MAPPINGS.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "organisation.yaml":
            text = text.replace("    criteria:\n", "    create: {customerp: true}\n    criteria:\n", 1)
        (mappings / file.name).write_text(text, encoding="utf-8")
    url = server.create_ledger()
    with open_world(url, home, mappings=mappings, page_size=_PAGE, sleep=naps.append) as made:
        for number in range(_PAIRS):
            made.add("customerp.customer", Name=f"Pair {number}", Phone="1")
        assert _sync(made) is None
        yield made
    server.drop(url)


@pytest.fixture(scope="module")
def world(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory, naps: list[float]
) -> Iterator[World]:
    """Companies whose faults end with each test."""
    with _companies(database_server, tmp_path_factory.mktemp("home"), naps) as made:
        yield made


@pytest.fixture
def locked_out(database_server: DatabaseServer, tmp_path: Path, naps: list[float]) -> Iterator[World]:
    """Companies of one test's own, whose login to Exact will be gone after it."""
    with _companies(database_server, tmp_path, naps) as made:
        yield made


@pytest.fixture(autouse=True)
def _ended(world: World) -> Iterator[None]:
    yield
    world.end_faults()


def _sync(world: World) -> SystemFault | None:
    """A sync of the organisations as far as it comes, and what ended it."""
    try:
        with world.installation.cycle("named fault") as cycle:
            for system in cycle.systems:
                collect_deletions(cycle, system)
            for entity in _ENTITIES.values():
                collect(cycle, entity)
            match(cycle, "customer_accounts")
            merge(cycle, "organisation")
            for entity in reversed(_ENTITIES.values()):
                done = deliver(cycle, entity)
                if done.created or done.updated or done.failed:
                    confirm(cycle, entity)
    except SystemFault as fault:
        return fault
    return None


def _pass_time(world: World) -> None:
    """Let the rest of a day go by: what was to be tried again is due, and so are new calls and a new access token."""
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.call_budget set day_reset = day_reset - interval '1 day'"))
        connection.execute(sa.text("update talk.owed set next_try = null"))
        connection.execute(sa.text("update talk.token set issued_at = issued_at - interval '1 hour'"))


def _admin(world: World, system: str) -> httpx.Client:
    settings = world.installation.settings
    return httpx.Client(base_url=str(settings.exact_url if system == "exact" else settings.customerp_url))


def _not_struck(world: World) -> list[str]:
    """Names of the faults that no call has met yet."""
    found = []
    for system in _ENTITIES:
        with _admin(world, system) as client:
            found += [fault["fault"] for fault in client.get("/_admin/faults").json() if not fault["hits"]]
    return found


def _calls(world: World, system: str) -> Counter[str]:
    """Calls that write, by method, since this was last asked."""
    with _admin(world, system) as client:
        counted = client.get("/_admin/calls").json()["calls"]
        client.delete("/_admin/calls")
    found: Counter[str] = Counter()
    for call, count in counted.items():
        method, _, path = call.partition(" ")
        if method != "GET" and "oauth" not in path:
            found[method] += count
    return found


def _pairs(world: World, *names: str) -> dict[str, dict[str, str]]:
    """Keys of linked companies of these names, by name and system."""
    for name in names:
        world.add("customerp.customer", Name=name, Phone="1")
    assert _sync(world) is None
    keys = {
        system: {record["Name"]: key for key, record in world.all(entity).items()}
        for system, entity in _ENTITIES.items()
    }
    return {name: {system: keys[system][name] for system in keys} for name in names}


def _phones(world: World, entity: str) -> dict[str, str | None]:
    """Every company's telephone number by its name."""
    records = list(world.all(entity).values())
    names = Counter(record["Name"] for record in records)
    assert not [name for name, count in names.items() if count > 1], "a company is there twice"
    return {record["Name"]: record.get("Phone") for record in records}


# Faults that a write can meet, and of those that a read can, how often each is to strike.
_OF_WRITES = (
    "rate-limit",
    "rate-limit-bare",
    "server-error",
    "unavailable",
    "timeout",
    "timeout-after-write",
    "cut",
    "cut-after-write",
    "edited-meanwhile",
)
_OF_READS = (
    "rate-limit",
    "rate-limit-bare",
    "no-right",
    "server-error",
    "unavailable",
    "timeout",
    "cut",
    "truncated-page",
    "short-page",
    "repeated-page",
    "stale-page",
    "empty-feed",
    "missing-property",
    "revoked-token",
)


def test_writes_that_meet_faults_arrive_once(world: World) -> None:
    """An edit would be forgotten, or a company stand twice in the books, after one lost answer in either system."""
    places = [(system, name) for system in _ENTITIES for name in _OF_WRITES]
    keys = _pairs(world, *(f"Edited {name} {system}" for system, name in places))
    for system, name in places:
        (other,) = set(_ENTITIES) - {system}
        edited, new = f"Edited {name} {system}", f"New {name} {system}"
        world.edit(_ENTITIES[other], keys[edited][other], Phone="2")
        wish = {"fault": name, "path": _WRITES[system]["path"], **({"delay": 3 * _PATIENCE} if "time" in name else {})}
        world.fault(system, **wish, match={"Name": edited}, method="PUT|PATCH")
        if name.startswith(("timeout", "cut")):
            world.add(_ENTITIES[other], Name=new, Phone="2", **({"Status": "C"} if other == "exact" else {}))
            world.fault(system, **wish, match={"Name": new}, method="POST")
    rounds = 0
    while world.owed() or not rounds:
        assert _sync(world) is None
        _pass_time(world)
        rounds += 1
        assert rounds < 7, world.owed()
    assert _sync(world) is None
    customers, accounts = (_phones(world, entity) for entity in _ENTITIES.values())
    assert customers == {name: phone for name, phone in accounts.items() if name in customers}
    for system, name in places:
        assert customers[f"Edited {name} {system}"] == "2"
        assert not name.startswith(("timeout", "cut")) or customers[f"New {name} {system}"] == "2"
        theirs = [world.show(e, keys[f"Edited {name} {system}"][s]).get("Website") for s, e in _ENTITIES.items()]
        assert theirs == (["https://edited-meanwhile.example"] if name == "edited-meanwhile" else [None]) * 2


def test_reads_that_meet_faults_pass_nothing_over(world: World) -> None:
    """An edit that was listed on a page that never came whole would not be read again."""
    keys = _pairs(world, "Read 1", "Read 2")
    for at, (system, entity) in enumerate(_ENTITIES.items()):
        world.edit(entity, keys[f"Read {at + 1}"][system], Phone="3")
        for number in range(_PAGE):
            new = {"Status": "C"} if system == "exact" else {}
            world.add(entity, Name=f"New {number} read {system}", Phone="3", **new)
    for system in _ENTITIES:
        for name in _OF_READS:
            wish = {"fault": name, "times": 1, **_READS[system]}
            world.fault(system, **wish, **({"delay": 3 * _PATIENCE} if "time" in name else {}))
    ended = [_sync(world)]
    while waiting := _not_struck(world):
        _pass_time(world)
        ended.append(_sync(world))
        assert len(ended) < 3 * len(_OF_READS), waiting
    world.end_faults()
    for _ in range(2):
        _pass_time(world)
        assert _sync(world) is None
    customers, accounts = (_phones(world, entity) for entity in _ENTITIES.values())
    assert customers == {name: phone for name, phone in accounts.items() if name in customers}
    news = [f"New {number} read {system}" for system in _ENTITIES for number in range(_PAGE)]
    assert {customers[name] for name in ["Read 1", "Read 2", *news]} == {"3"}
    seen = " ".join(str(fault) for fault in ended if fault is not None)
    assert "expected JSON" in seen
    assert "CUSTOMERP_TOKEN" in seen
    assert "talk-assets exact login" in seen


def test_what_is_refused_is_not_sent_twice_within_an_hour(world: World) -> None:
    """One hopeless company would spend what Exact bears of refusals, and shut out the whole installation."""
    keys = _pairs(world, "Hopeless", "Odd", "Gone")
    world.edit("customerp.customer", keys["Hopeless"]["customerp"], Phone="4")
    world.edit("exact.accounts", keys["Odd"]["exact"], Phone="4")
    world.edit("customerp.customer", keys["Gone"]["customerp"], Phone="4")
    new = world.add("customerp.customer", Name="Nameless")
    world.add("customerp.customer", Name="Unknown words")
    world.fault("exact", fault="refusal", match={"Name": "Hopeless"}, times=None)
    world.fault("exact", fault="refusal", match={"Name": "Nameless"}, times=None)
    world.fault("exact", fault="refusal", match={"Name": "Unknown words"}, message="Nazwa jest za krótka.", times=None)
    world.fault("exact", method="PUT", match={"Name": "Gone"}, status=404, message="Not found", times=None)
    world.fault("customerp", fault="refusal", match={"Name": "Odd"}, times=None)
    _calls(world, "exact"), _calls(world, "customerp")
    for _ in range(3):
        assert _sync(world) is None
    assert _calls(world, "exact") == {"PUT": 2, "POST": 2}
    assert _calls(world, "customerp") == {"PATCH": 1}
    states = Counter(debt["state"] for debt in world.owed())
    assert states == {"dead": 3, "owed": 2}
    # What is not known to be hopeless is tried again after an hour; what was corrected at once.
    _pass_time(world)
    world.edit("customerp.customer", new, Phone="5")
    for _ in range(2):
        assert _sync(world) is None
    assert _calls(world, "exact") == {"PUT": 1, "POST": 2}
    world.end_faults()
    world.edit("customerp.customer", keys["Hopeless"]["customerp"], Phone="6")
    world.edit("exact.accounts", keys["Odd"]["exact"], Phone="6")
    world.edit("customerp.customer", new, Phone="6")
    for _ in range(2):
        _pass_time(world)
        assert _sync(world) is None
    assert world.owed() == []
    customers, accounts = (_phones(world, entity) for entity in _ENTITIES.values())
    assert customers == {name: phone for name, phone in accounts.items() if name in customers}


def test_a_login_that_is_revoked_between_two_pages(locked_out: World) -> None:
    """What changed on the pages that were not read any more would be lost, and nobody learn that a login is needed."""
    news = [f"New {number} after login" for number in range(2 * _PAGE)]
    for name in news:
        locked_out.add("exact.accounts", Name=name, Status="C")
    locked_out.fault("exact", fault="revoked-login", skip=1, **_READS["exact"])
    for said in ("still active, then log in again with `talk-assets exact login`", "30 days, or its successor"):
        ended = _sync(locked_out)
        assert isinstance(ended, AccessDenied)
        assert said in str(ended)
        _pass_time(locked_out)
    assert not set(news) & set(_phones(locked_out, "customerp.customer"))
    login = ExactConfig({}, "app", "app-secret", refresh_token="second-refresh")
    Tokens(locked_out.stores["exact"], login)  # makes the token known, as a person's login does
    with locked_out.reopened(exact_refresh_token=SecretStr("second-refresh")):
        assert _sync(locked_out) is None
        assert set(news) <= set(_phones(locked_out, "customerp.customer"))
        assert _sync(locked_out) is None


@pytest.mark.parametrize("case", _cases(), ids=str)
def test_nothing_is_lost_or_doubled(world: World, case: Case) -> None:
    """An edit or a new company would vanish, or a company stand twice in the books, after one bad answer."""
    for at, (system, entity) in enumerate(_ENTITIES.items()):
        keys = {record["Name"]: key for key, record in world.all(entity).items()}
        for place in range(2):
            world.edit(entity, keys[f"Pair {2 * at + place}"], Phone=f"{case} {system}")
        world.add(entity, Name=f"New {case} {system}", Phone="9", **({"Status": "C"} if system == "exact" else {}))
    world.fault(case.system, **case.wish)
    _sync(world)
    _sync(world)
    world.end_faults()
    for _ in range(3):
        _pass_time(world)
        assert _sync(world) is None
    phones = _phones(world, "customerp.customer")
    assert phones == {name: phone for name, phone in _phones(world, "exact.accounts").items() if name in phones}
    for at, system in enumerate(_ENTITIES):
        assert phones[f"New {case} {system}"] == "9"
        assert [phones[f"Pair {2 * at + place}"] for place in range(2)] == [f"{case} {system}"] * 2
