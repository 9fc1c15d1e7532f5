"""The words of scenario files: what is meant by each, and that what is not understood is refused."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios import generate
from talk_assets_tests.scenarios.case import Case, read_cases
from talk_assets_tests.scenarios.conditions import conditions
from talk_assets_tests.scenarios.crash import moment_of
from talk_assets_tests.scenarios.misbehaviour import failure
from talk_assets_tests.scenarios.outcome import Played
from talk_assets_tests.scenarios.play import Player
from talk_assets_tests.scenarios.stores import storing
from talk_assets_tests.scenarios.verdict import differences
from talk_assets_tests.scenarios.words import NotExpressible, count, share, told

TYPES = frozenset({"contact", "order"})
NOTHING: dict[str, Any] = {"writes_left": [], "writes_right": [], "links": [], "skipped": [], "conflicts": []}


def a_case(rules: dict[str, Any], events: list[Any] | None = None, expect: dict[str, Any] | None = None) -> Case:
    """A contact of each side, linked and agreed."""
    values = {"email": "a@x.example", "name": "Ada"}
    members = ["left/contact/L1", "right/contact/R1"]
    return Case(
        id="words",
        rules={"keys": [["email"]], **rules},
        records={
            "left": {"contact": [{"id": "L1", "t": 5, **values}]},
            "right": {"contact": [{"id": "R1", "t": 5, **values}]},
        },
        base=[{"members": members, "values": values}],
        links=[members],
        blocked=[],
        events=events or [],
        expect=NOTHING if expect is None else expect,
    )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (
            "after the target accepted the insert of L3 but before its new key was stored",
            ("accepted", "insert", "L3", 1),
        ),
        ("before the insert of L1 was sent", ("sending", "insert", "L1", 1)),
        ("just before the delete of right/contact/R2", ("sending", "delete", "R2", 1)),
        ("before the call", ("sending", None, None, 1)),
        ("after_call", ("accepted", None, None, 1)),
        ("after the answer", ("accepted", None, None, 1)),
        ("between the insert of L3 and storing its key", ("accepted", "insert", "L3", 1)),
        ("before the key of new#1 was stored", ("accepted", None, "new#1", 1)),
        ("after storing the key of L1", ("stored", None, "L1", 1)),
        ("after the insert of L3 was accepted and its key stored", ("stored", "insert", "L3", 1)),
        ("after the intent of L1 was stored", ("sending", None, "L1", 1)),
        ("after the second insert", ("accepted", "insert", None, 2)),
        ({"after": "storing the key", "of": "L2"}, ("stored", None, "L2", 1)),
        ("before_commit", ("uncommitted", None, None, 1)),
        ("before the decisions are stored", ("uncommitted", None, None, 1)),
        ("after the plan was stored", ("planned", None, None, 1)),
        ("after the decisions were stored but before any write", ("planned", None, None, 1)),
        ("between reading and writing", ("planned", None, None, 1)),
        ("before any write", ("planned", None, None, 1)),
        ("after all writes", ("end", None, None, 1)),
        ("after the run", ("end", None, None, 1)),
        ("before reading", ("start", None, None, 1)),
        ("while reading the right feed", ("reading", None, None, 1)),
        ("after reading", ("read", None, None, 1)),
        ("after matching", ("matched", None, None, 1)),
    ],
)
def test_moment_of_a_crash(words: Any, meant: tuple[object, ...]) -> None:
    """A case about a crash would be played with a crash elsewhere, and prove nothing."""
    found = moment_of(words)
    assert (found.at, found.operation, found.id, found.nth) == meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("status = active and city is set", [{"equals": ["active"]}, {"filled": True}]),
        ("closed_at is not null", [{"filled": True}]),
        ("closed_at has a value", [{"filled": True}]),
        ("country in [NO, 'SE']", [{"equals": ["NO", "SE"]}]),
        ("status is open or status = new", [{"equals": ["open", "new"]}]),
        ("status is open or new", [{"equals": ["open", "new"]}]),
        ("active is not true", [{"differs": ["true"]}]),
        ("active != true", [{"differs": ["true"]}]),
        ("archived", [{"filled": True}, {"differs": ["false"]}]),
        ("not active", [{"equals": ["false", ""]}]),
        ({"closed": None}, [{"filled": False}]),
        ({"kind": {"not": ["a", "b"]}}, [{"differs": ["a", "b"]}]),
        ({"active": True, "kind": ["a"]}, [{"equals": ["true"]}, {"equals": ["a"]}]),
    ],
)
def test_conditions(words: Any, meant: list[dict[str, Any]]) -> None:
    """A filter would leave out other records than the case says."""
    assert [{n: v for n, v in each.items() if n != "name"} for each in conditions(words, "filters")] == meant


@pytest.mark.parametrize("words", ["amount > 5", "status = open or kind = a", "name starts with A", "a = b = c", 5])
def test_conditions_that_a_mapping_cannot_say_are_refused(words: Any) -> None:
    """A case would pass although its condition was not looked at."""
    with pytest.raises(NotExpressible):
        conditions(words, "filters")


@pytest.mark.parametrize(
    ("words", "error", "unheard"),
    [
        (None, "temporary", False),
        (503, "temporary", False),
        ("connection refused", "temporary", False),
        ("rate_limited", "temporary", False),
        ("422 validation error", "permanent", False),
        (409, "permanent", False),
        ("not retryable", "permanent", False),
        ("unauthorized", "denied", False),
        (404, "gone", False),
        ("version conflict", "changed", False),
        ("timeout after the target accepted", "temporary", True),
        ("no answer", "temporary", True),
    ],
)
def test_errors(words: Any, error: str, unheard: bool) -> None:
    """A refusal would be tried again for ever, or a passing fault given up."""
    assert (failure(words).error, failure(words).unheard) == (error, unheard)


def test_places() -> None:
    """A rule for one side or type would hold for another."""
    by_direction = {"left_to_right": "delete", "to_left": {"order": "archive", "contact": "ignore"}}
    assert told(by_direction, "left", "contact", TYPES, gone=True) == "delete"
    assert told(by_direction, "right", "order", TYPES, gone=True) == "archive"
    assert told(by_direction, "right", "contact", TYPES) == "delete"
    specific = {"right": 1, "right/order": 2, "contact": 3, "all": 4}
    assert [
        told(specific, *place, TYPES) for place in (("right", "order"), ("left", "order"), ("left", "contact"))
    ] == [
        2,
        4,
        3,
    ]
    assert told({"left": 1}, "right", "contact", TYPES) is None
    assert [share("50%", ""), share("20 percent", ""), share(0.5, "")] == [0.5, 0.2, 0.5]
    assert [count("3 times", ""), count("once", ""), count("always", "")] == [3, 1, float("inf")]


def test_stored_values() -> None:
    """A system of a case would keep something else than it says."""
    kept = {
        words: storing(words)(value)
        for words, value in {
            "first 4 characters": "123456",
            "max 3 chars": "abcd",
            "upper case": "ada",
            "whole number": "12.5",
            "rounded to 1 decimal": 1.26,
            "floor": 1.9,
            "digits only": "(5) 6",
        }.items()
    }
    assert list(kept.values()) == ["1234", "abc", "ADA", "13", 1.3, 1, "56"]


def test_generated_rows() -> None:
    """A case of many rows would be played with others, or none."""
    assert generate.rows("3 contacts L1..L3 with email c<n>@x.example and name 'Person <n>'", "left", "contact") == [
        {"t": 5, "id": f"L{n}", "email": f"c{n}@x.example", "name": f"Person {n}"} for n in (1, 2, 3)
    ]
    records: dict[str, dict[str, list[Any]]] = {"left": {"contact": []}, "right": {}}
    base: list[Any] = []
    links: list[Any] = []
    generate.add_rows("2 linked pairs of contact, L1..L2 and R1..R2, email n{i}@x.example", records, base, links)
    assert [row["id"] for row in records["right"]["contact"]] == ["R1", "R2"]
    assert links == [["left/contact/L1", "right/contact/R1"], ["left/contact/L2", "right/contact/R2"]]
    assert base[1] == {"members": links[1], "values": {"email": "n2@x.example"}}
    edits = list(generate.events({"edit": "left/contact/L1..L2", "set": {"name": "N<n>"}, "t": 9}))
    assert edits == [{"edit": f"left/contact/L{n}", "set": {"name": f"N{n}"}, "t": 9} for n in (1, 2)]
    assert generate.writes("2 inserts", {"contact"}) == [{"op": "insert", "type": None, "id": None, "set": None}] * 2
    assert generate.links("2 pairs", {"contact"}) == [None, None]
    for words in ("some contacts", "L1..L3 that look odd", "5 contacts L1..L3", "L3..L1"):
        with pytest.raises(NotExpressible):
            generate.rows(words, "left", "contact")


@pytest.mark.parametrize(
    "rules",
    [
        {"delete": "ignore"},
        {"deletes": "sometimes"},
        {"deletes": "archive", "deleted_when": {"right": "a = 1 and b = 2"}},
        {"inserts": "upwards"},
        {"merge": {"name": "random"}},
        {"merge": {"left": "latest"}},
        {"compare": {"name": "soundex"}},
        {"history": "new_only"},
        {"line_ids": "stable"},
        {"nested": {"left/contact": "lines by order of appearance"}},
        {"max_missing_share": "most"},
        {"edit_versus_delete": "newest"},
        {"external_reference": {"right": ["a"]}},
        {"filters": {"contact": "name is set"}},
        {"one_cluster_of": ["left/contact", "left/employee"]},
        {"pairing": {"left/contact": "left/account"}},
        {"constants": {"right": 5}},
        {"empty": "sometimes"},
        {"write": {"right": "slowly"}},
        {"target_stores": {"right": {"name": "sideways"}}},
    ],
    ids=str,
)
def test_rules_that_are_not_understood_are_refused(rules: dict[str, Any], module_ledger: Ledger) -> None:
    """A case would pass although one of its rules was not looked at."""
    with pytest.raises(NotExpressible):
        Player(a_case(rules), module_ledger)


@pytest.fixture(scope="module")
def player(module_ledger: Ledger) -> Player:
    """A case that goes on in every test."""
    return Player(Case(**{**vars(a_case({})), "id": "refused words"}), module_ledger)


@pytest.mark.parametrize(
    "event",
    [
        {"jump": "left/contact/L1"},
        {"edit": "left/contact/L1", "sett": {"name": "B"}},
        {"edit": "left/contact/L9", "set": {"name": "B"}},
        {"edit": "contact/L1", "set": {"name": "B"}},
        {"create": "left/contact", "set": {"name": "B"}},
        {"create": "left/contact/L5", "fields_of": {"name": "B"}},
        {"delete": "left/contact/L1", "signal": "smoke"},
        {"do": "sync", "writes": "none"},
        {"do": "sync", "read": "backwards"},
        {"do": "sync", "times": "always"},
        {"do": "sync", "crash": True},
        {"do": "sync", "crash": "after the delete of R1"},
        {"restart": True, "mode": "safe"},
        {"restart": "from a backup"},
        {"feed": "right/contact", "returns": "some rows"},
        {"feed": "right/contact", "status": "odd"},
        {"feed": "right/contact", "kind": "sideways"},
        {"feed": "right/contact", "omits": ["R1"], "lookup": "perhaps"},
        {"feed": "somewhere"},
        {"fail": "insert", "type": "right/contact", "error": "odd"},
        {"fail": "sing", "type": "right/contact"},
        {"fail": "update", "type": "right/contact", "times": "often"},
        {"operator": "dance", "members": ["left/contact/L1"]},
        {"operator": "split", "members": ["left/contact/L1"]},
        {"operator": "accept", "guard": "empty_feed", "type": "right/contact"},
        {"operator": "resolve", "property": "name", "take": "left"},
        {"operator_in_system": "merge", "keep": "right/contact/R1"},
    ],
    ids=str,
)
def test_events_that_are_not_understood_are_refused(player: Player, event: dict[str, Any]) -> None:
    """A case would pass although one of its events did not happen."""
    with pytest.raises(NotExpressible):
        player._play(dict(event))
    player._crash = None


@pytest.mark.parametrize(
    "expect",
    [
        {**NOTHING, "report": []},
        {**NOTHING, "skipped": [{"member": "left/contact/L1", "reason": "tired"}]},
        {**NOTHING, "skipped": [{"member": "left/contact/L1", "reason": "stale", "colour": "red"}]},
        {**NOTHING, "writes_right": [{"op": "move", "type": "contact", "id": "R1"}]},
        {**NOTHING, "links": {"generate": "some pairs"}},
    ],
    ids=str,
)
def test_expectations_that_are_not_understood_are_refused(expect: dict[str, Any], tmp_path: Path) -> None:
    """A case would pass although something that it expects was not looked at."""
    path = tmp_path / "case.yaml"
    case = {"id": "x", "given": {"left": {"contact": []}, "right": {"contact": []}}, "when": [], "expect": expect}
    YAML().dump({"format": 1, "scenarios": [case]}, path)
    with pytest.raises(NotExpressible):
        _judge(path)


def _judge(path: Path) -> None:
    (case,) = read_cases(path)
    if case.broken:
        raise NotExpressible(case.broken)
    differences(case, Played())


def test_what_is_expected_is_compared_by_what_it_names() -> None:
    """A case would fail over what it does not judge, or pass although something else was written."""
    insert = {"op": "insert", "type": "contact", "set": {"email": "a@x.example"}}
    other = {"op": "insert", "type": "contact", "set": {"email": "b@x.example", "boss": "new#1"}}
    played = Played(
        writes={"left": [], "right": [{**insert, "id": "new#1"}, {**other, "id": "new#2"}]},
        links=[["left/contact/L1", "right/contact/new#1"]],
        skipped=[{"member": "left/contact/L2", "reason": "missing_required", "property": "name"}],
        conflicts=[{"kind": "both_changed", "property": "street", "members": ["left/contact/L1"], "claims": {}}],
    )
    expect: dict[str, Any] = {
        "writes_left": [],
        "writes_right": [
            {**other, "id": "new#1", "set": {"email": "b@x.example", "boss": "new#2"}},
            {**insert, "id": "new#2"},
        ],
        "links": [["left/contact/L1", "right/contact/new#2"]],
        "skipped": [{"member": "left/contact/L2", "reason": "missing_required"}],
        "conflicts": [{"kind": "both_changed", "property": "address"}],
    }
    rules = {"groups": {"address": ["street", "city"]}}
    assert differences(a_case(rules, expect=expect), played) == []
    wrong = {**expect, "links": [["left/contact/L1", "right/contact/new#1"]]}
    assert differences(a_case(rules, expect=wrong), played) != []
    archived = Played(writes={"right": [{"op": "archive", "type": "contact", "id": "R1", "set": {"active": False}}]})
    for wish in ({"op": "archive"}, {"op": "update", "set": {"active": "false"}}):
        wanted = {**NOTHING, "writes_right": [{"type": "contact", "id": "R1", **wish}]}
        assert differences(a_case({}, expect=wanted), archived) == []
    lost = Played(
        writes={"right": [{"op": "update", "type": "contact", "id": "R1", "set": {"a": 1}, "lost": {"b": None}}]}
    )
    wanted = {**NOTHING, "writes_right": [{"op": "update", "type": "contact", "id": "R1", "set": {"a": 1}}]}
    assert differences(a_case({}, expect=wanted), lost) == [
        "writes_right: update contact/R1 {'a': 1} replaced b",
    ]
