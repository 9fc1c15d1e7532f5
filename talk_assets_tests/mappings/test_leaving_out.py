"""Flows that an installation does without: what is left is a mapping like any other."""

from pathlib import Path

import pytest

from talk_assets.definitions import build_defs
from talk_assets.errors import ConfigurationError, MappingError
from talk_assets.mappings.leaving_out import way_without
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.settings import Settings
from talk_assets_tests.mappings.broken import copy_mappings, replace

CAPABILITIES = load_capabilities()
FLOWS = list(load_mappings(None, CAPABILITIES).flows)


# The only flow of their subject, which others refer to; or others ask whether there is one of its records.
NEEDED = {
    "customer_accounts": "nothing would be left of organisation",
    "product_items": "nothing would be left of product",
    "quote_quotations": "depends on whether there is a customerp.quote",
}


@pytest.mark.parametrize("flow", [flow for flow in FLOWS if flow not in NEEDED])
def test_a_flow_is_left_out(flow: str) -> None:
    """Whoever has no payroll module could use nothing, or would have to write mappings of their own."""
    left = load_mappings(None, CAPABILITIES, [flow])
    assert set(left.flows) == set(FLOWS) - {flow}
    named = {entity for other in left.flows.values() for entity in other.entities}
    for subject in left.subjects.values():
        for part in (subject, subject.lines) if subject.lines is not None else (subject,):
            rows = part.properties.values()
            documents = {CAPABILITIES[entity].document or entity for row in rows for entity in row.members}
            assert documents <= named
    build_defs(left, CAPABILITIES).resolve_asset_graph()


@pytest.mark.parametrize(("flow", "why"), NEEDED.items())
def test_a_flow_that_others_need_cannot_be_left_out(flow: str, why: str) -> None:
    """Orders would point to nothing, or be given the lines of the quote that they were made from."""
    with pytest.raises(ConfigurationError, match=f"TALK_LEAVE_OUT: .*{why}"):
        load_mappings(None, CAPABILITIES, [flow])


def test_what_is_only_about_the_flow_goes_with_it() -> None:
    """A property of one system alone would be kept equal with nothing."""
    left = load_mappings(None, CAPABILITIES, ["employee_employees"])
    person = left.subjects["person"]
    assert "exact.employees" not in left.entities
    assert "customerp.employee" in left.entities
    assert "business_email" in person.properties
    assert "employee_number" not in person.properties


def test_most_flows_can_be_left_out_together() -> None:
    """Somebody who wants to begin with customers and products alone could not."""
    kept = {"customer_accounts", "product_items", "contact_contacts", "order_salesorders"}
    left = load_mappings(None, CAPABILITIES, [flow for flow in FLOWS if flow not in kept])
    assert set(left.flows) == kept
    assert "exact.quotations" not in left.entities


def test_a_mapping_that_is_wrong_without_a_flow_says_so(tmp_path: Path) -> None:
    """Somebody would look for a mistake in a line that is right."""
    copy_mappings(tmp_path)
    replace(
        tmp_path / "person.yaml", "  first_name:\n", "  first_name:\n    rule: owner\n    order: [exact.employees]\n"
    )
    load_mappings(tmp_path, CAPABILITIES)
    with pytest.raises(MappingError, match="without the flows of TALK_LEAVE_OUT: employee_employees"):
        load_mappings(tmp_path, CAPABILITIES, ["employee_employees"])


def test_the_way_without_an_entity_is_one_that_can_be_gone() -> None:
    """Somebody would be told to set what is refused then."""
    mappings = load_mappings(None, CAPABILITIES)
    for entity in mappings.entities:
        told = way_without(mappings, entity)
        names = (
            told.removeprefix("To do without it, add ").removesuffix(" to TALK_LEAVE_OUT.").split(", ") if told else []
        )
        assert entity not in load_mappings(None, CAPABILITIES, names).entities or not names
    assert way_without(mappings, "exact.employees") == "To do without it, add employee_employees to TALK_LEAVE_OUT."
    assert way_without(mappings, "exact.accounts") == way_without(mappings, "customerp.quote") == ""


def test_a_flow_that_does_not_exist_is_named() -> None:
    """A mistyped name would leave in what was to be left out."""
    with pytest.raises(ConfigurationError, match="TALK_LEAVE_OUT: there is no flow employees; "):
        load_mappings(None, CAPABILITIES, ["employees"])


def test_flows_are_named_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in one variable would be taken for JSON, and refused."""
    monkeypatch.setenv("TALK_LEAVE_OUT", "employee_employees, product_items")
    assert Settings(_env_file=None).talk_leave_out == ["employee_employees", "product_items"]
