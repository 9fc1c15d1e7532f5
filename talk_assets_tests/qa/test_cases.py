"""The checklist by itself: what it asks, under which names, and which rows share a record."""

from collections import Counter

import pytest

from talk_assets.dataflow.content import content_of
from talk_assets.errors import ConfigurationError
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.qa.case import RECORD, Case
from talk_assets.qa.cases import checklist
from talk_assets.qa.play import waves
from talk_assets.qa.samples import Mark
from talk_assets.qa.scope import scopes
from talk_assets.qa.sharing import alone, numbered

CAPABILITIES = load_capabilities()
MAPPINGS = load_mappings(None, CAPABILITIES)
MARK = Mark("1234")


@pytest.fixture(scope="module")
def rows() -> list[Case]:
    return checklist(MAPPINGS, CAPABILITIES, MARK)


def test_the_document_is_asked_about_as_a_whole(rows: list[Case]) -> None:
    """A property of the document that no row is about can be wrong for years."""
    asked = {(case.scope.name, case.property) for case in rows}
    flows = [flow for subject in content_of(MAPPINGS, CAPABILITIES) for flow in (*subject.flows, *subject.lines)]
    assert {(flow.name, row.name) for flow in flows for row in flow.rows} | {
        (flow.name, RECORD) for flow in flows
    } == asked


def test_rows_have_names_of_their_own_that_stay(rows: list[Case]) -> None:
    """A server that keeps JUnit results cannot tell which row began to fail."""
    assert Counter(case.id for case in rows).most_common(1)[0][1] == 1
    again = checklist(MAPPINGS, CAPABILITIES, Mark("9876"))
    assert [case.id for case in again] == [case.id for case in rows]


def test_each_code_of_a_value_map_is_tried_where_it_can_be_edited(rows: list[Case]) -> None:
    """A code that one side lacks is noticed by the customer."""
    tried = {
        case.typed for case in rows if (case.scope.name, case.property, case.kind) == ("product_items", "unit", "edit")
    }
    members = MAPPINGS.subjects["product"].properties["unit"].members.values()
    assert {code for member in members for code in member.values or {}} <= tried
    same = [case.id for case in rows if case.edge.startswith("code-") and case.start is None and case.typed == "piece"]
    assert same == [], "an edit to the code that the record has is none"


def test_what_cannot_be_done_is_said_with_its_reason(rows: list[Case]) -> None:
    """Rows about read-only employees fail in every run, and nobody reads the others any more."""
    of_employees = [case for case in rows if case.scope.name == "employee_employees"]
    assert [case.id for case in of_employees if not case.skip] == ["employee_employees/record/created"]
    assert {case.skip for case in of_employees if case.skip} >= {CAPABILITIES["exact.employees"].read_only}


def test_rows_about_one_record_do_not_disturb_one_another(rows: list[Case]) -> None:
    """A row is red because of what another row did to its record."""
    records: dict[str, list[Case]] = {}
    for case in rows:
        if case.kind != "created" and not case.skip:
            records.setdefault(case.record, []).append(case)
    for sharing in records.values():
        touched = [
            case.scope.rows[name].group or name
            for case in sharing
            for name in (case.property, case.other)
            if name in case.scope.rows
        ]
        assert len(touched) == len(set(touched)), [case.id for case in sharing]
        assert len({(case.scope.name, case.kind, case.source) for case in sharing}) == 1
        risky = [case for case in sharing if case.property in case.scope.rows]
        if any(case.scope.rows[case.property].type in ("choice", "reference") for case in risky):
            assert len(sharing) == 1


def test_a_row_on_its_own_gets_values_of_its_own(rows: list[Case]) -> None:
    """Played again, a row takes the code of the record that it failed on, which the system refuses."""
    failed = [case for case in rows if case.scope.name == "product_items" and case.property == "code" and case.edge]
    again = numbered([alone(case) for case in failed], MARK, behind=1000)
    assert [case.id for case in again] == [case.id for case in failed]
    assert len({case.record for case in again}) == len(again)
    for before, now in zip(failed, again, strict=True):
        assert not now.typed or now.typed != before.typed


def test_a_wave_stays_below_the_guards(rows: list[Case]) -> None:
    """A guard stops the checklist's writes, and with them other people's."""
    played = [case for case in rows if not case.skip]
    found = list(waves(played, lambda _: 25))
    assert sorted(case.id for wave in found for case in wave) == sorted(case.id for case in played)
    homes = [{case.record for case in wave} for wave in found]
    assert sum(map(len, homes)) == len(set().union(*homes)), "the rows about one record come together"
    for wave in found:
        of = Counter({case.record: (case.scope.document or case.scope).exact for case in wave}.values())
        assert max(of.values()) <= 25


def test_one_flow_can_be_chosen() -> None:
    """Whoever changed one flow waits for all of them."""
    chosen = scopes(MAPPINGS, CAPABILITIES, ["quote_quotations"])
    assert [scope.name for scope in chosen] == ["quote_quotations", "quote_line_quotation_lines"]
    with pytest.raises(ConfigurationError, match="no flow customers; it is one of customer_accounts"):
        scopes(MAPPINGS, CAPABILITIES, ["customers"])
