"""The checklist, played: on a sandbox of its own, against wrong mappings, and on systems that others work with."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from talk_assets.mappings.load import PACKAGED_MAPPINGS
from talk_assets.qa.play import Play
from talk_assets.qa.result import Row
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Done, Home, Sandbox, home

FLOW = "product_items"
# Where each system has what the checklist of products makes.
CUSTOMERP, EXACT = ("customers", "contacts", "products"), ("Accounts", "Contacts", "Items")


def mappings(folder: Path, **changes: list[tuple[str, str]]) -> Path:
    """A copy of the shipped mappings with texts replaced, each of which is there; by name of the file."""
    folder.mkdir()
    for file in PACKAGED_MAPPINGS.glob("*.yaml"):
        text = file.read_text()
        for old, new in changes.get(file.stem, []):
            assert old in text, old
            text = text.replace(old, new, 1)
        (folder / file.name).write_text(text)
    return folder


def rows_of(done: Done) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in done.json["rows"]}


def failed(done: Done) -> set[str]:
    return {name for name, row in rows_of(done).items() if row["outcome"] == "failed"}


@pytest.fixture
def alone() -> Iterator[Home]:
    """A folder in which no system is configured."""
    with home({}) as made:
        yield made


@pytest.mark.soak
def test_wrong_mappings_turn_the_right_rows_red(alone: Home, tmp_path: Path) -> None:
    """Somebody changes a mapping after it was signed off, and no row says which property is wrong now."""
    box = ("          box: box\n", "")
    signed = mappings(tmp_path / "signed", product=[("  barcode:\n", "  barcode:\n    direction: to_exact\n")])
    wrong = mappings(
        tmp_path / "wrong",
        product=[
            # Two rows swapped on one side.
            ("exact.items: {name: Description}", "exact.items: {name: ExtraDescription }"),
            ("exact.items: {name: ExtraDescription}", "exact.items: {name: Description}"),
            # A code of a value map missing, on both sides: on one side alone the mapping is refused.
            box,
            box,
            # A direction reversed.
            ("  barcode:\n", "  barcode:\n    direction: to_customerp\n"),
            # A comparison that ignores case where it must not.
            ("  code:\n", "  code:\n    compare: ignore_case\n"),
        ],
    )
    files = [tmp_path / "qa.html", tmp_path / "qa.xml"]
    reports = [word for file in files for word in ("--report", str(file))]
    done = alone.call("qa", "--flow", FLOW, "--against", str(signed), *reports, "--json", TALK_MAPPINGS=str(wrong))
    assert done.code == 1, done.complaint
    red = failed(done)
    # Edited together with a wrong property, a right one is not as it should be, either.
    own = {row for row in red if not row.endswith("/both-apart")}
    of = {name: {row for row in own if row.startswith(f"{FLOW}/{name}/")} for name in ("unit", "code", "record")}
    assert of["unit"] == {f"{FLOW}/unit/exact-code-box", f"{FLOW}/unit/customerp-code-box"}
    assert of["code"] == {f"{FLOW}/code/exact-letter-case", f"{FLOW}/code/customerp-letter-case"}
    assert of["record"] == {f"{FLOW}/record/match-1-code-letter-case"}
    assert {f"{FLOW}/{name}/created" for name in ("name", "description", "barcode")} <= red
    assert f"{FLOW}/barcode/customerp-longest" in red
    assert f"{FLOW}/barcode/exact-longest" in red
    known = {"name", "description", "barcode", "unit", "code", "record"}
    assert {row for row in own if row.split("/")[1] not in known} == set()
    shown = rows_of(done)[f"{FLOW}/unit/customerp-code-box"]
    assert shown["expected"] == "Exact Unit = 'box'"
    assert shown["found"] == "Exact Unit = 'piece'"
    assert "Unit" in shown["reason"]
    assert any(name.startswith("customerp.product/") for name in shown["records"])
    _read_reports(files, done, red)
    assert list(alone.folder.iterdir()) == [], "nobody's data is touched"


def _read_reports(files: list[Path], done: Done, red: set[str]) -> None:
    page, suites = files[0].read_text(), ET.fromstring(files[1].read_text())
    counts = done.json["counts"]
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == (
        str(sum(counts.values())),
        str(counts["failed"]),
        str(counts["not applicable"]),
    )
    cases = {str(case.get("name")): case for case in suites.iter("testcase")}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == red
    assert all(f'id="{name}"' in page for name in cases)
    assert f"✗ {counts['failed']} failed" in page
    assert re.search(r'<tr title="The number in the product[^"]*" class="red">', page)


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (["--flow", "customers"], {}, "there is no flow customers"),
        (["--live"], {}, "no system is configured"),
        (["--report", "qa.pdf"], {}, "is to end with .html (for people) or .xml"),
        (["--against", "nowhere"], {}, "no file in this folder has the subject"),
    ],
)
def test_what_cannot_start_says_why(alone: Home, arguments: list[str], settings: dict[str, str], told: str) -> None:
    """A build calls the checklist wrongly and takes it for passed or failed."""
    done = alone.call("qa", *arguments, **settings)
    assert done.code == 2
    assert told in done.complaint


@pytest.fixture
def live(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation on systems that hold other people's records."""
    with home(systems.settings, database_server) as made:
        yield made


def held(systems: Sandbox) -> dict[str, Any]:
    """Everything of both systems that has to do with products and what they are kept with."""
    return {**{name: systems.customerp(name) for name in CUSTOMERP}, **{name: systems.exact(name) for name in EXACT}}


@pytest.mark.soak
def test_a_system_that_keeps_what_is_made_is_not_played_on(live: Home, systems: Sandbox, tmp_path: Path) -> None:
    """A test division fills up with the records of every checklist."""
    profile = tmp_path / "profile.yaml"
    profile.write_text("entities: {product: {delete: {allowed: false}}}\n")
    live.settings["CUSTOMERP_PROFILE"] = str(profile)
    before = systems.customerp("products")
    done = live.call("qa", "--live", "--division", str(systems.said["exact_division"]))
    assert done.code == 2
    assert "--live: what the checklist makes could not be removed again" in done.complaint
    assert f"`delete.allowed` in {profile}" in " ".join(done.complaint.split())
    assert systems.customerp("products") == before


@pytest.mark.soak
def test_live_systems_are_left_as_they_were_but_for_what_is_named(live: Home, systems: Sandbox) -> None:
    """The checklist leaves its records in somebody's books, or changes theirs."""
    division = systems.settings["EXACT_DIVISION"]
    refused = live.call("qa", "--live", "--flow", FLOW)
    assert (refused.code, "name the test division" in refused.complaint) == (2, True)
    refused = live.call("qa", "--live", "--division", "1", "--flow", FLOW)
    assert refused.code == 2
    before = held(systems)
    refused = live.call("qa", "--live", "--division", division, "--flow", FLOW)
    assert (refused.code, "--confirm" in refused.complaint) == (2, True)
    assert held(systems) == before
    assert live.call("sync", "--confirm").code == 0
    assert live.call("sync").code == 0
    before = held(systems)
    try:
        # Of the deletions in Customerp the first is that of a row, the second the first one of cleaning up.
        systems.fault("customerp", status=409, method="DELETE", path="/products/", skip=1)
        done = live.call("qa", "--live", "--division", division, "--flow", FLOW, "--json")
    finally:
        systems.end_faults()
    assert done.code == 0, done.complaint
    assert done.json["counts"]["failed"] == 0
    assert done.json["counts"]["passed"] > 100
    assert division in done.json["systems"]
    after = held(systems)
    (left,) = [record for record in after["products"] if record not in before["products"]]
    assert [text.partition(":")[0] for text in done.json["left"]] == [f"customerp.product/{left['Id']}"]
    assert f"QA {done.json['run']}" in left["Name"]
    assert {**after, "products": [record for record in after["products"] if record != left]} == before
    assert f"Not removed: customerp.product/{left['Id']}" in done.complaint
    quiet = live.call("sync", "--json").json
    assert {count for counts in quiet["writes"].values() for name, count in counts.items() if name != "owed"} == {0}
    assert live.call("status", "--json").json["guards"] == []


@pytest.mark.soak
def test_what_another_run_created_meanwhile_is_removed_as_well(
    live: Home, systems: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sensor syncs while the checklist is played, and what it created for the checklist stays in Exact."""

    def played(play: Play) -> list[Row]:
        scope = next(case.scope for case in play.cases)
        play.hands.create(scope.customerp, play.stock.values(scope, scope.customerp, 1))
        assert live.call("sync", "--subject", "product").code == 0
        assert len(systems.exact("Items")) == len(before["Items"]) + 1
        return []

    assert live.call("sync", "--confirm").code == 0
    before = held(systems)
    monkeypatch.setattr(Play, "run", played)
    done = live.call("qa", "--live", "--division", systems.settings["EXACT_DIVISION"], "--flow", FLOW)
    assert done.code == 0, done.complaint
    assert held(systems) == before


@pytest.mark.soak
def test_what_a_run_that_was_cut_off_left_is_named(
    live: Home, systems: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled build, or a system that is down half-way: records stay in somebody's books, and nobody is told."""
    made: list[str] = []

    def cut_off(play: Play) -> list[Row]:
        scope = next(case.scope for case in play.cases)
        made.append(play.hands.create(scope.customerp, play.stock.values(scope, scope.customerp, 1)))
        systems.fault("customerp", status=409, method="DELETE", path="/products/")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        raise AssertionError("nobody stopped it")

    arguments = ["qa", "--live", "--division", systems.settings["EXACT_DIVISION"], "--flow", FLOW, "--json"]
    assert live.call("sync", "--confirm").code == 0
    monkeypatch.setattr(Play, "run", cut_off)
    try:
        stopped = live.call(*arguments)
    finally:
        systems.end_faults()
    (key,) = made
    assert stopped.code not in (0, 1)
    assert f"Not removed: customerp.product/{key}" in stopped.complaint
    monkeypatch.setattr(Play, "run", lambda _: [])
    (first, second) = live.call(*arguments).json["left"]
    assert re.fullmatch(rf"customerp.product/{key}: left by an earlier run, QA \d{{4}}", first)
    assert second.startswith("exact.items/")


@pytest.mark.soak
def test_the_shipped_document_holds_on_the_sandbox(alone: Home) -> None:
    """The document says what the platform does not do."""
    done = alone.run("qa", "--json")
    assert (done.code, failed(done)) == (0, set()), done.complaint
    assert len(done.json["rows"]) > 1300
    assert done.json["counts"]["not applicable"] < 150
    json.dumps(done.json)
