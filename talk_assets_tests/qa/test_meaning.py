"""What values mean, worked out twice: here and in the engine. What both say is probably what was meant."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_assets.mappings.capabilities import PropertyCapability
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings, MemberProperty, Property, Subject
from talk_assets.qa.meaning import UNKNOWN, meaning, no_edit, own_form, shortened
from talk_assets.qa.samples import Mark, others, sample
from talk_assets.qa.scope import Scope, scopes
from talk_assets.qa.values import edges
from talk_assets.sync.compare import shortened as shortened_column
from talk_assets.sync.convert import to_canonical, to_own_values, to_target

CAPABILITIES = load_capabilities()
MAPPINGS = load_mappings(None, CAPABILITIES)
MARK = Mark("1234")
FREE = PropertyCapability()
# Every property of the document, but for references, which mean another record.
EVERY = [
    (scope, name)
    for scope in scopes(MAPPINGS, CAPABILITIES)
    for name, row in scope.rows.items()
    if row.type != "reference"
]


def prop(**given: object) -> Property:
    return Property.model_validate({"members": {}, **given})


def member(**given: object) -> MemberProperty:
    return MemberProperty.model_validate({"name": "Own", **given})


@pytest.mark.parametrize(
    ("value", "row", "own", "found"),
    [
        ("  padded ", prop(), member(), "padded"),
        ("a\r\nb", prop(), member(), "a\nb"),
        (None, prop(), member(), ""),
        ("   ", prop(type="code"), member(), ""),
        (0.055, prop(type="decimal", scale=4), member(factor=100), "5.5"),
        ("1.23456789", prop(type="decimal", scale=4), member(), "1.2346"),
        (Decimal("2.00005"), prop(type="decimal", scale=4), member(), "2.0001"),
        (-0.00001, prop(type="decimal", scale=4), member(), "0"),
        (0, prop(type="decimal"), member(empty=["0"]), ""),
        (True, prop(type="boolean"), member(), "true"),
        (12, prop(type="choice"), member(values={"12": "open"}), "open"),
        (13, prop(type="choice"), member(values={"12": "open"}), f"{UNKNOWN}13"),
        ("nl ", prop(type="country"), member(), "NL"),
        ("b; a ;a", prop(type="list"), member(separator="; "), "a\nb"),
    ],
)
def test_what_a_value_means(value: object, row: Property, own: MemberProperty, found: str) -> None:
    """A value that is right is called wrong, and the other way round."""
    assert meaning(value, row, own) == found


@pytest.mark.parametrize(
    ("shared", "row", "own", "able", "found"),
    [
        ("a long text", prop(), member(), PropertyCapability(max_length=7), "a long"),
        ("a long code", prop(type="code"), member(), PropertyCapability(max_length=6), None),
        ("12a", prop(type="code"), member(only_digits=True), FREE, None),
        ("open", prop(type="choice"), member(values={"1": "open", "2": "open"}), FREE, "1"),
        ("gone", prop(type="choice"), member(values={"1": "open"}), FREE, None),
        ("5.5", prop(type="decimal"), member(factor=100), FREE, "0.055"),
        ("abc", prop(), member(spelling="upper"), FREE, "ABC"),
        ("", prop(type="choice"), member(values={"1": "open"}), FREE, ""),
    ],
)
def test_what_an_entity_holds(
    shared: str, row: Property, own: MemberProperty, able: PropertyCapability, found: str | None
) -> None:
    """A shortened code, or a code of another meaning, is called right."""
    assert own_form(shared, row, own, able) == found


@given(st.text(max_size=40), st.integers(min_value=1, max_value=30))
def test_a_text_is_cut_as_the_engine_cuts_it(text: str, limit: int) -> None:
    """Half an emoji is expected, or a blank at the end."""
    clean = " ".join(text.encode("utf-8", "ignore").decode().split())
    engine = shortened_column(pd.Series([clean], dtype="str"), limit)[0]
    assert shortened(clean, limit) == (clean if len(clean.encode("utf-16-le")) // 2 <= limit else engine)


def _engine(name: str, entity: str, subject: Subject, mappings: Mappings, value: object) -> str:
    own = subject.properties[name].members[entity].name
    raw = pd.DataFrame([{"_key": "1", "_modified": None, "_version": None, own: value}], dtype="object")
    found = to_canonical(raw, entity, mappings)[name][0]
    return "" if pd.isna(found) else str(found)


@pytest.mark.parametrize(("at", "name"), EVERY, ids=lambda each: getattr(each, "name", each))
def test_values_at_the_edges_mean_what_the_engine_makes_of_them(at: Scope, name: str) -> None:
    """Where both accounts differ, one of them is wrong."""
    row = at.rows[name]
    for source in at.flow.entities:
        target = at.other(source)
        for edge in edges(at, name, source, sample(at, name, 17, MARK)):
            shared = meaning(edge.typed, row, at.member(name, source))
            assert shared == _engine(name, source, at.subject, MAPPINGS, edge.typed), (source, edge)
            golden = pd.DataFrame({name: [shared or pd.NA]}, dtype="str")
            held, _ = to_target(golden, target, at.subject, CAPABILITIES[target])
            kept = own_form(shared, row, at.member(name, target), at.able(name, target))
            if not shared or kept is None:
                assert pd.isna(held[name][0])
                continue
            own = to_own_values(held[[name]], target, at.subject)[at.member(name, target).name][0]
            assert kept == own, (source, edge)


@pytest.mark.parametrize(("at", "name"), EVERY, ids=lambda each: getattr(each, "name", each))
def test_usual_values_travel_unchanged_and_differ(at: Scope, name: str) -> None:
    """A row fails because of the record that was made for it."""
    row = at.rows[name]
    usual = sample(at, name, 17, MARK)
    three = [usual, *others(at, name, 17, MARK)]
    for entity in at.flow.entities:
        for shared in three:
            own = own_form(shared, row, at.member(name, entity), at.able(name, entity))
            if row.direction == "both":
                assert own is not None
                assert meaning(own, row, at.member(name, entity)) == shared
    assert not no_edit(row, three[0], three[1])
    assert not no_edit(row, three[1], three[2]) or row.type == "boolean"
    if row.type not in ("choice", "boolean", "country", "currency", "date", "decimal", "integer"):
        assert sample(at, name, 18, MARK) != usual


def test_records_are_known_by_their_mark() -> None:
    """What the checklist made cannot be told from what a person made."""
    for scope in scopes(MAPPINGS, CAPABILITIES):
        marked = [name for name in scope.rows if MARK.is_in(sample(scope, name, 17, MARK))]
        assert marked, scope.name
