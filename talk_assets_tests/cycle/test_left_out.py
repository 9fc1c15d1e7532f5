"""Flows that are left out and put back: what people said meanwhile or before, and what was agreed, is not forgotten."""

from pathlib import Path
from typing import Any

import pytest

from talk_assets.cycle.report import status, summary
from talk_assets.orders.desk import desk
from talk_assets.orders.listing import list_conflicts, list_holds
from talk_assets.orders.unlinking import unlink
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

_SEED = SeedOptions(customers=4, contacts=4, employees=4, products=4, quotes=4, orders=2, lines=1, duplicates=0)

_LINE_DATES = """\
    delivery_date:
      type: date
      meaning: The day on which the line is to be delivered.
      members:
        customerp.order_line: {name: DeliveryDate}
        exact.salesorder_lines: {name: DeliveryDate}
"""


def _told(world: World) -> tuple[int, int, int, list[dict[str, Any]], list[dict[str, Any]]]:
    """Conflicts and holds as people see them: in the status, in a run's numbers, and listed."""
    at = world.installation
    stands = status(at.ledger, at.division, at.mappings)
    with at.cycle(world.run_id) as cycle:
        counted = summary(cycle, 0)
    assert len(stands["conflicts"]) == counted["conflicts"]
    orders = desk(at.ledger, at.division, at.mappings, at.capabilities)
    unlinked = list_holds(orders, "unlinked")
    assert len(stands["holds"]) == counted["holds"] == len(list_holds(orders))
    return len(stands["conflicts"]), len(unlinked), counted["holds"], list_conflicts(orders), unlinked


@pytest.mark.soak
def test_what_was_unlinked_stays_so(database_url: str, tmp_path: Path) -> None:
    """A contact that somebody took apart from another would be created a second time, because of a setting."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        world.sync()
        contact = next(
            k for k in world.all("customerp.contact") if world.partner("customerp.contact", k, "exact.contacts")
        )
        other = world.twin("customerp.contact", contact, "exact.contacts")
        with world.installation.cycle("order") as cycle:
            unlink(cycle, f"customerp.contact/{contact}", f"exact.contacts/{other}", "ann")
        world.sync()
        before = set(world.all("exact.contacts"))
        held = world.held("unlinked")
        assert f"customerp.contact/{contact}" in held
        with world.reopened(talk_leave_out=["contact_contacts"]):
            world.sync()
            # Nobody can settle it meanwhile.
            assert f"customerp.contact/{contact}" not in {hold["record"] for hold in _told(world)[4]}
        for _ in range(2):
            assert world.sync().writes == []
        assert set(world.all("exact.contacts")) == before
        assert world.held("unlinked") == held
        assert {hold["record"] for hold in _told(world)[4]} == held


@pytest.mark.soak
def test_a_conflict_waits_while_its_records_are_left_out(database_url: str, tmp_path: Path) -> None:
    """People would be told of a conflict that no command settles, or never hear of it again."""
    folder = copy_mappings(tmp_path)
    replace(folder / "person.yaml", "  mobile:\n", "  mobile:\n    rule: manual\n")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        values = {"FirstName": "Ann", "LastName": "Vos", "Email": "ann@w.nl", "Mobile": "06 1"}
        employee = world.add("customerp.employee", Number="7", **values)
        values["BusinessEmail"] = values.pop("Email")
        other = world.add("exact.employees", EmployeeHID=7, **values)
        with world.reopened(talk_leave_out=["employee_contacts"]):
            world.sync()
            assert world.partner("customerp.employee", employee, "exact.employees") == other
            world.edit("customerp.employee", employee, Mobile="06 2")
            world.edit("exact.employees", other, Mobile="06 3")
            world.sync()
            (conflict,) = _told(world)[3]
        with world.reopened(talk_leave_out=["employee_contacts", "employee_employees"]):
            world.sync()
            assert (_told(world)[0], _told(world)[3]) == (0, [])
        with world.reopened(talk_leave_out=["employee_contacts"]):
            world.sync()
            (again,) = _told(world)[3]
            assert {claim["value"] for claim in again["claims"]} == {claim["value"] for claim in conflict["claims"]}


def _order(world: World) -> tuple[str, str, str]:
    """An order of one line in both systems, that line in Exact, and its document there."""
    customer = world.add("customerp.customer", Name="Klant BV", Number="700")
    product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
    line = {"ProductId": product, "Quantity": 3, "UnitPrice": 5, "DeliveryDate": "2026-12-01"}
    order = world.add("customerp.order", CustomerId=customer, CustomerReference="R1", Description="x", Lines=[line])
    world.sync()
    other = world.twin("customerp.order", order, "exact.salesorders")
    (theirs,) = world.lines("exact.salesorders", other)
    return order, theirs, other


def _dates(world: World, order: str, other: str) -> set[str]:
    lines = [*world.lines("customerp.order", order).values(), *world.lines("exact.salesorders", other).values()]
    return {str(line.get("DeliveryDate"))[:10] for line in lines}


@pytest.mark.soak
def test_an_edit_made_while_a_flow_was_left_out_wins(database_url: str, tmp_path: Path) -> None:
    """An old delivery date, read again with the time of its record, would overwrite the one that somebody agreed on."""
    with open_world(database_url, tmp_path) as world:
        order, theirs, other = _order(world)
        with world.reopened(talk_leave_out=["order_salesorders"]):
            world.sync()
        world.edit_line("exact.salesorders", other, theirs, DeliveryDate="2027-03-15", modified="2026-01-01T00:00:00Z")
        # Whatever the record's time says: this date was not touched.
        world.edit("customerp.order", order, Description="y")
        world.sync()
        assert _dates(world, order, other) == {"2027-03-15"}
        assert world.sync().writes == []


@pytest.mark.soak
def test_what_was_agreed_of_a_row_outlives_its_absence(database_url: str, tmp_path: Path) -> None:
    """A row taken out of a mapping for a day would make old values new ones, with the times of their records."""
    query = (
        "select b.values ->> 'delivery_date' as base, b.times ->> 'delivery_date' as at, "
        "g.values ->> 'delivery_date' as agreed, g.times ->> 'delivery_date' as agreed_at, "
        "g.winners ->> 'delivery_date' as winner from talk.base b join talk.member using (division, entity, key) "
        "join talk.golden g using (cluster_id) where g.subject = 'sales_line' "
        "and b.entity <> 'exact.quotation_lines' order by b.entity, b.key"
    )
    folder = copy_mappings(tmp_path)
    documents = (folder / "sales_document.yaml").read_text()
    with open_world(database_url, tmp_path, mappings=folder) as world:
        order, theirs, other = _order(world)
        known = world.rows(query)
        assert {row["base"] for row in known} == {row["agreed"] for row in known} == {"2026-12-01"}
        replace(folder / "sales_document.yaml", _LINE_DATES, "")
        with world.reopened():
            world.edit("customerp.order", order, Description="y")
            world.sync()
            assert world.rows(query) == known
        (folder / "sales_document.yaml").write_text(documents)
        with world.reopened():
            world.edit_line("exact.salesorders", other, theirs, DeliveryDate="2027-03-15")
            world.sync()
        assert _dates(world, order, other) == {"2027-03-15"}


@pytest.mark.soak
def test_a_row_put_back_empties_only_what_was_emptied(database_url: str, tmp_path: Path) -> None:
    """A description would be wiped in one system because its record in the other could not be read just then."""
    folder = copy_mappings(tmp_path)
    file = folder / "product.yaml"
    row = "  description:\n    meaning: What else there is to say about the product; Exact keeps 255 characters.\n"
    replace(file, row, row + "    clear: [customerp, exact]\n")
    members = (
        "    members:\n      customerp.product: {name: Description}\n      exact.items: {name: ExtraDescription}\n"
    )
    whole = file.read_text(encoding="utf-8")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        common = {"Unit": "piece", "Price": 5, "Description": "Keep me"}
        broken = world.add("customerp.product", Number="P1", Name="Thing", **common)
        emptied = world.add("customerp.product", Number="P2", Name="Other", **common)
        world.sync()
        items = {key: world.twin("customerp.product", key, "exact.items") for key in (broken, emptied)}
        replace(file, row + "    clear: [customerp, exact]\n" + members, "")
        with world.reopened():
            assert world.sync().writes == []
        world.overwrite("exact.items", items[broken], Unit="odd")
        world.edit("exact.items", items[emptied], ExtraDescription="")
        file.write_text(whole, encoding="utf-8")
        with world.reopened():
            world.sync()
            assert world.held("invalid") == {f"exact.items/{items[broken]}"}
            assert world.show("customerp.product", broken)["Description"] == "Keep me"
            assert not world.show("customerp.product", emptied)["Description"]
            assert world.sync().writes == []
            world.edit("exact.items", items[broken], Unit="pc", ExtraDescription="New")
            world.sync()
            assert world.show("customerp.product", broken)["Description"] == "New"
            assert world.sync().writes == []


@pytest.mark.soak
def test_what_a_left_out_flow_was_about_to_create_is_not_created(database_url: str, tmp_path: Path) -> None:
    """People and offers would still be entered in the books by a flow that somebody had stopped for that reason."""
    folder = copy_mappings(tmp_path)
    # Nothing else may depend on quotes.
    documents = folder / "sales_document.yaml"
    replace(documents, "    join: {entity: customerp.order, name: QuoteId, to: customerp.quote}\n", "")
    replace(documents, "      exact.quotations: {name: QuotationDate, unless: customerp.quote}\n", "")
    for said in (", when: customerp.quote}", ", unless: customerp.quote}"):
        replace(documents, said, "}")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        product = world.add("customerp.product", Number="P1", Name="Thing", Unit="piece", Price=5)
        world.sync()
        contact = world.add("customerp.contact", CustomerId=customer, FirstName="Ann", LastName="Vos", Email="a@w.nl")
        employee = world.add("customerp.employee", Number="7", FirstName="Bo", LastName="Bos", Email="b@w.nl")
        line = {"ProductId": product, "Quantity": 3, "UnitPrice": 5}
        quote = world.add("customerp.quote", CustomerId=customer, CustomerReference="R1", Description="x", Lines=[line])
        with world.installation.cycle("decided, and then killed") as cycle:
            world.take(cycle, Report())
        before, planned = set(world.all("exact.contacts")), {row["entity"] for row in world.owed()}
        assert {"exact.contacts", "exact.quotations", "exact.quotation_lines"} <= planned
        with world.reopened(talk_leave_out=["contact_contacts", "quote_quotations"]):
            # What other flows owe is written.
            assert {write["entity"] for write in world.sync().writes} == {"exact.contacts"}
            other = world.twin("customerp.employee", employee, "exact.contacts")
            assert set(world.all("exact.contacts")) == before | {other}
            assert world.all("exact.quotations") == {}
            assert world.sync().writes == []
            # An employee's entry is for a person.
            assert {row["state"] for row in world.owed()} <= {"person"}
        world.sync()
        assert world.twin("customerp.contact", contact, "exact.contacts")
        assert len(world.lines("exact.quotations", world.twin("customerp.quote", quote, "exact.quotations"))) == 1
        assert world.sync().writes == []


@pytest.mark.soak
def test_a_record_that_is_left_out_keeps_its_counterpart(database_url: str, tmp_path: Path) -> None:
    """A customer's contact would be deleted in the books with the employee who was once the same person."""
    folder = copy_mappings(tmp_path)
    meaning = "    meaning: Every employee is a contact of the employer's own account in Exact.\n"
    replace(folder / "person.yaml", meaning, f"{meaning}    when_gone: {{customerp: delete}}\n")
    with open_world(database_url, tmp_path, mappings=folder) as world:
        customer = world.add("customerp.customer", Name="Klant BV", Number="700")
        world.sync()
        at = world.twin("customerp.customer", customer, "exact.accounts")
        employees = []
        for number in (7, 8):
            name = {"FirstName": "Ann", "LastName": f"Vos {number}"}
            mails = {"Email": f"{number}@w.nl", "BusinessEmail": f"{number}@us.nl"}
            world.add("exact.contacts", Account=at, **mails, **name)
            employees.append(world.add("customerp.employee", Number=f"{number}", Email=f"{number}@us.nl", **name))
        contact = world.add("customerp.contact", CustomerId=customer, Email="7@w.nl", FirstName="Ann", LastName="Vos 7")
        world.sync()
        theirs = [world.twin("customerp.employee", key, "exact.contacts") for key in employees]
        assert world.twin("customerp.contact", contact, "exact.contacts") == theirs[0]
        with world.reopened(talk_leave_out=["contact_contacts"]):
            world.sync()
            for key in employees:
                world.remove("customerp.employee", key)
            world.sync()
            # The other one was nobody's but the employee's.
            assert set(theirs) & set(world.all("exact.contacts")) == {theirs[0]}
            assert world.sync().writes == []
        world.sync()
        assert world.twin("customerp.contact", contact, "exact.contacts") == theirs[0]
        assert world.sync().writes == []


@pytest.mark.soak
def test_a_document_is_created_beside_one_that_is_left_out(database_url: str, tmp_path: Path) -> None:
    """An order with a sales order could get no quotation, and no sync would end, once its other flow is left out."""
    with open_world(database_url, tmp_path, seed=_SEED) as world:
        with world.reopened(talk_leave_out=["order_quotations"]):
            world.sync()
            order = next(
                k for k in world.all("customerp.order") if world.partner("customerp.order", k, "exact.salesorders")
            )
        with world.reopened(talk_leave_out=["order_salesorders"]):
            for _ in range(3):
                world.sync()
            quotation = world.twin("customerp.order", order, "exact.quotations")
            assert len(world.lines("exact.quotations", quotation)) == len(world.lines("customerp.order", order))
            assert world.sync().writes == []
