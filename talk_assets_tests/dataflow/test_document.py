"""The data-flow document: what it says is what the mappings say, and the committed one is of today."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from talk_assets.dataflow.content import COLUMNS, FlowPart, Row, content_of
from talk_assets.dataflow.write import html, markdown
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets_tests.installed import ROOT, home
from talk_assets_tests.mappings.broken import copy_mappings, replace


@pytest.fixture(scope="module")
def shipped() -> Mappings:
    """The mappings as they are shipped."""
    return load_mappings(None, load_capabilities())


def flows(mappings: Mappings) -> dict[str, FlowPart]:
    subjects = content_of(mappings, load_capabilities())
    return {flow.name: flow for subject in subjects for flow in [*subject.flows, *subject.lines]}


def row(mappings: Mappings, flow: str, name: str) -> Row:
    (found,) = [row for row in flows(mappings)[flow].rows if row.name == name]
    return found


def test_the_committed_document_is_of_today(shipped: Mappings) -> None:
    """A team would sign off what the platform did a year ago."""
    written = markdown(content_of(shipped, load_capabilities()))
    assert (ROOT / "docs/dataflow.md").read_text() == written, "write it anew: .venv/bin/talk-assets docs"


def test_every_flow_and_every_shared_property_is_in_it(shipped: Mappings) -> None:
    """What nobody finds in the document, nobody checks."""
    text = markdown(content_of(shipped, load_capabilities()))
    for subject in shipped.subjects.values():
        for part in filter(None, (subject, subject.lines)):
            for name, flow in part.flows.items():
                section = re.split(rf"\n#+ {name}\n", text)[1].split("\n#")[0]
                both = [each for each, held in part.properties.items() if set(flow.entities) <= set(held.members)]
                assert re.findall(r"^\| `(\w+)`", section, re.M) == both, name


def test_a_row_says_what_becomes_of_a_property(shipped: Mappings) -> None:
    """A person would expect an edit to travel that never does, or a text to be kept that is cut."""
    number = row(shipped, "customer_accounts", "number")
    assert number.direction == "to Exact on create; Exact takes digits only; unless another record of Exact has it"
    assert (number.customerp, number.exact, number.fixed) == ("Number", "Code", "Exact")
    name = row(shipped, "customer_accounts", "name")
    assert (name.length, name.direction, name.required) == ("Customerp 100, Exact 50", "both ways", "Customerp, Exact")
    status = row(shipped, "quote_quotations", "quote_status")
    assert status.direction == "to Customerp"
    assert "Exact 50 = accepted" in status.values
    assert row(shipped, "quote_quotations", "quote_number").direction == "only compared"
    assert row(shipped, "order_line_salesorder_lines", "discount").values == ["Exact times 100"]
    assert row(shipped, "employee_employees", "first_name").direction.startswith("to Exact by a person")


def test_what_holds_a_creation_back_is_said(shipped: Mappings) -> None:
    """A contact without a name, or a quote without lines, is not created, and nobody knows why."""
    assert row(shipped, "contact_contacts", "first_name").required == "Customerp (or LastName), Exact (or LastName)"
    said = flows(shipped)["quote_quotations"].said
    assert "has one created, once it has lines." in said.creation[0]


def test_a_guard_stops_only_what_is_more_than_both(shipped: Mappings) -> None:
    """A person expects 250 of 10,000 records to wait, and they are written."""
    said = flows(shipped)["customer_accounts"].said.guards[0]
    guards = shipped.subjects["organisation"].guards_of("customerp.customer")
    assert guards.most_writes(10_000) == 2_000
    assert "more than 200 writes in a run (that are more than 20% of its records)" in said


def test_it_follows_the_mappings(tmp_path: Path) -> None:
    """A team with mappings of its own would be given the document of somebody else."""
    folder = copy_mappings(tmp_path)
    file = folder / "organisation.yaml"
    replace(file, "    meaning: Every customer is an account in Exact.\n", "    when_gone: {customerp: delete}\n")
    replace(file, "  name:\n", "  name:\n    rule: manual\n    clear: [exact]\n")
    mappings = load_mappings(folder, load_capabilities())
    said = flows(mappings)["customer_accounts"].said
    assert "the `exact.accounts` is deleted" in " ".join(said.deletion)
    assert "nothing is deleted, and a person decides" in " ".join(said.deletion)
    assert "Of `name` a person decides when both sides changed." in said.conflicts
    assert "Emptying `name` in exact empties it on the other side." in said.clearing
    assert row(mappings, "customer_accounts", "name").rule == "a person; emptied from exact"


class Tables(HTMLParser):
    """Counts the cells of tables, and what would be fetched from somewhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.fetched = 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        self.cells += tag == "td"
        self.fetched += [value for name, value in attrs if name in ("src", "href") and value and value[0] != "#"]


def test_the_page_needs_nothing_beside_it(shipped: Mappings) -> None:
    """An auditor without a network would see a page without tables or pictures."""
    subjects = content_of(shipped, load_capabilities())
    page = html(subjects)
    found = Tables()
    found.feed(page)
    rows = sum(len(flow.rows) for subject in subjects for flow in [*subject.flows, *subject.lines])
    assert found.cells == rows * len(COLUMNS)
    assert found.fetched == []
    assert page.count("<line ") == len(shipped.flows)


def test_the_command_writes_both() -> None:
    """Nobody could have the document of an own installation."""
    with home({}) as place:
        done = place.call("docs", "--out", "flow.md", "--html", "flow.html")
        assert done.code == 0, done.err
        assert (place.folder / "flow.md").read_text().startswith("# Data flow")
        assert (place.folder / "flow.html").read_text().startswith("<!doctype html>")
        blocked = place.call("docs", "--out", "flow.md/flow.md")
        assert (blocked.code, blocked.out) == (2, "")
        assert "flow.md/flow.md cannot be written" in blocked.complaint
