"""What becomes of writes when a system fails, refuses or falls silent: the rest goes on, nothing is lost or twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from talk_assets.cycle import recover
from talk_assets.cycle.report import status
from talk_assets.errors import LedgerError
from talk_assets.mappings.load import PACKAGED_MAPPINGS
from talk_assets.systems import http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world

_REFUSED, _BUSY, _LIMITED, _CUT = "refused", "busy", "limited", "cut off"
_DOWN, _ASKED, _FINE = "down", "asked for time", "fine"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats come at once, and an insert without an answer is given up as soon as the target does not show it."""
    monkeypatch.setattr(http, "Patience", partial(Patience, first_wait=0.001))
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))


def _outcomes(report: Report, entity: str) -> list[str]:
    return [str(write["outcome"]) for write in report.writes if write["entity"] == entity]


@pytest.mark.soak
def test_updates_that_meet_faults(world: World, subtests: pytest.Subtests) -> None:
    """One refused record would stop all others, an edit be forgotten, or a busy system be pressed harder."""
    names = (_REFUSED, _BUSY, _LIMITED, _CUT, _DOWN, _FINE, _ASKED)
    customers = {name: world.add("customerp.customer", Name=name, Phone="1") for name in names}
    world.sync()
    accounts = {name: world.twin("customerp.customer", customers[name], "exact.accounts") for name in names}
    for name in names:
        world.edit("customerp.customer", customers[name], Phone="2")
    put = partial(world.fault, "exact", method="PUT", path="crm/Accounts")
    put(match={"Name": _REFUSED}, status=500, message="Ongeldig: Phone (2)", times=None)
    put(match={"Name": _BUSY}, status=503, times=3)
    soon = int((datetime.now(UTC) + timedelta(seconds=1)).timestamp() * 1000)
    minute = {"X-RateLimit-Minutely-Remaining": "0", "X-RateLimit-Minutely-Reset": str(soon)}
    put(match={"Name": _LIMITED}, status=429, headers=minute)
    put(match={"Name": _DOWN}, status=503, times=5)
    put(match={"Name": _ASKED}, status=503, headers={"Retry-After": "7200"})
    world.interrupt(lambda method, path: method == "PUT" and accounts[_CUT] in path)
    world.sync()

    def phones() -> dict[str, str]:
        return {name: world.show("exact.accounts", accounts[name])["Phone"] for name in names}

    with subtests.test("what a passing fault met is repeated at once, and the rest goes on"):
        assert {name for name, phone in phones().items() if phone == "2"} == {_BUSY, _LIMITED, _CUT, _FINE}
    owed = {debt["key"]: debt for debt in world.owed("exact.accounts")}
    with subtests.test("what was not delivered stays owed, and says why"):
        assert set(owed) == {accounts[_REFUSED], accounts[_DOWN], accounts[_ASKED]}
        assert {owed[accounts[name]]["state"] for name in (_DOWN, _ASKED)} == {"owed"}
        assert "503" in owed[accounts[_DOWN]]["reason"]
    with subtests.test("a refusal is dead, with Exact's own words in status"):
        assert owed[accounts[_REFUSED]]["state"] == "dead"
        division, mappings = world.installation.division, world.installation.mappings
        shown = status(world.installation.ledger, division, mappings)["debts"]
        (dead,) = shown[shown["state"].eq("dead")].to_dict("records")
        assert (dead["entity"], dead["key"], dead["values"]) == ("exact.accounts", accounts[_REFUSED], {"Phone": "2"})
        assert "Ongeldig: Phone (2)" in dead["reason"]
    with subtests.test("a system that asks for time gets it"):
        assert owed[accounts[_ASKED]]["next_try"] > datetime.now(UTC) + timedelta(hours=1, minutes=55)

    world.interrupt(None)
    second = world.sync()
    with subtests.test("the next sync delivers what may be tried again, and nothing else"):
        assert phones()[_DOWN] == "2"
        assert _outcomes(second, "exact.accounts") == ["done"]
        assert set(phones()) - {name for name, phone in phones().items() if phone == "2"} == {_REFUSED, _ASKED}

    world.end_faults()
    world.edit("customerp.customer", customers[_REFUSED], Phone="3")
    world.sync()
    with subtests.test("a dead write comes back when its record is edited"):
        assert phones()[_REFUSED] == "3"
        assert {debt["key"] for debt in world.owed("exact.accounts")} == {accounts[_ASKED]}


def test_inserts_whose_outcome_is_not_known(world: World, subtests: pytest.Subtests) -> None:
    """A company would stand twice in the books, or never come there."""
    late = world.add("customerp.customer", Name="answer lost")
    never = world.add("customerp.customer", Name="not carried out")
    fine = world.add("customerp.customer", Name="fine")
    world.fault("exact", method="POST", path="crm/Accounts", match={"Name": "answer lost"}, status=504, after=True)
    world.fault("exact", method="POST", path="crm/Accounts", match={"Name": "not carried out"}, status=503)
    world.sync()
    with subtests.test("the rest goes on"):
        assert world.partner("customerp.customer", fine, "exact.accounts") is not None
    world.sync()
    world.sync()
    with subtests.test("each is there once"):
        names = [account["Name"] for account in world.all("exact.accounts").values()]
        assert sorted(names) == ["Werkgever BV", "answer lost", "fine", "not carried out"]
        assert {world.twin("customerp.customer", key, "exact.accounts") for key in (late, never, fine)}
        assert world.owed("exact.accounts") == []
        assert world.rows("select * from talk.intent where closed_at is null") == []


@pytest.mark.parametrize("arrival", [0, 3600])
def test_words_of_a_refusal_stay_until_it_is_settled(
    world: World, arrival: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would learn what Exact has against a record, and four bad records would hold back the good ones."""
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(seconds=arrival))
    words = "Rok obrotowy jest zamknięty."
    for number in range(4):
        world.add("customerp.customer", Name=f"Odd {arrival} {number}")
        world.fault("exact", fault="refusal", match={"Name": f"Odd {arrival} {number}"}, message=words, times=None)
    good = world.add("customerp.customer", Name=f"Good {arrival}")
    report = world.sync()
    assert _outcomes(report, "exact.accounts").count("refused") == 4
    assert world.twin("customerp.customer", good, "exact.accounts")
    for _ in range(2):
        assert world.sync().writes == []
        told = [(debt["state"], words in debt["reason"]) for debt in world.owed("exact.accounts")]
        assert told == [("owed", True)] * 4
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))
    world.end_faults()
    monkeypatch.setattr(recover, "LATEST_ARRIVAL", timedelta(0))
    for _ in range(2):
        world.sync()
    assert world.owed("exact.accounts") == []
    assert len([1 for held in world.all("exact.accounts").values() if held["Name"].startswith(f"Odd {arrival}")]) == 4


def test_a_create_in_customerp_whose_answer_is_lost_is_one_record(database_url: str, tmp_path: Path) -> None:
    """A company of Exact would stand twice in Customerp."""
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    for file in PACKAGED_MAPPINGS.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "organisation.yaml":
            text = text.replace("    criteria:\n", "    create: {customerp: true}\n    criteria:\n", 1)
        (mappings / file.name).write_text(text, encoding="utf-8")
    with open_world(database_url, tmp_path, mappings=mappings) as world:
        world.fault("customerp", method="POST", path="/customers", status=503, after=True)
        report = world.sync()
        assert [record["Name"] for record in world.all("customerp.customer").values()] == ["Werkgever BV"]
        assert _outcomes(report, "customerp.customer") == ["done"]
        assert report.calls["customerp"]["POST /customers"] == 2
        assert world.sync().writes == []


def test_a_lock_that_is_lost_between_two_creates(world: World) -> None:
    """Two processes would each create the rest of a batch, and every company stand twice in the books."""
    for number in range(3):
        world.add("customerp.customer", Name=f"Customer {number}")
    asked: list[int] = []

    def lost_after_one() -> None:
        asked.append(len(world.all("exact.accounts")))
        if len(asked) > 1:
            raise LedgerError("The connection that held the lock was lost.")

    with world.installation.cycle("lost") as cycle:
        world.take(cycle, Report())
        with pytest.raises(LedgerError):
            world.give(replace(cycle, still_locked=lost_after_one), Report())
    # The employer, and the one that was created before the lock was lost.
    assert asked == [1, 2]
    assert len(world.all("exact.accounts")) == 2


def test_a_change_after_passing_faults_is_decided_again(world: World) -> None:
    """An edit would wait for a person because its target was busy twice, and then edited at the wrong moment once."""
    customer = world.add("customerp.customer", Name="Jansen BV", Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.sync()
    world.edit("exact.accounts", account, Phone="2")
    _busy_twice(world, "customerp.customer", method="PATCH", path="^/customers/")
    world.fault("customerp", method="PATCH", path="^/customers/", status=412, times=1)
    assert _outcomes(world.sync(), "customerp.customer") == ["changed since it was read; decided again"]
    world.sync()
    assert world.show("customerp.customer", customer)["Phone"] == "2"
    assert world.owed() == []


def test_a_refusal_after_passing_faults_is_tried_again(world: World) -> None:
    """An edit would wait for a person because its target was busy twice, and then closed to changes for an hour."""
    customer = world.add("customerp.customer", Name="Jansen BV", Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Phone="2")
    _busy_twice(world, "exact.accounts", method="PUT", path="crm/Accounts")
    world.fault("exact", method="PUT", path="crm/Accounts", status=403, message="Forbidden", times=1)
    assert _outcomes(world.sync(), "exact.accounts") == ["refused"]
    assert [debt["state"] for debt in world.owed()] == ["owed"]
    _make_due(world)
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "2"
    assert world.owed() == []


def _busy_twice(world: World, entity: str, *, method: str, path: str) -> None:
    """What is owed to an entity meets a passing fault in two syncs, and is due again."""
    world.fault(entity.partition(".")[0], method=method, path=path, status=503, times=99)
    for _ in range(2):
        assert _outcomes(world.sync(), entity) == ["failed for now; tried again"]
        _make_due(world)
    world.end_faults()


def _make_due(world: World) -> None:
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))
