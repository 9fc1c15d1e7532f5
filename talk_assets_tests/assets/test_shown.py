"""What every asset shows of a run: rows of its table, latest changes, calls, and of people what the setting says."""

from collections.abc import Iterator

import dagster as dg
import pytest
import sqlalchemy as sa

from talk_assets.definitions import build_defs
from talk_assets.ledger.database import open_ledger
from talk_assets_tests.assets.runs import ORGANISATION, QUIET, Told, keys, run
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox

pytestmark = pytest.mark.xdist_group("shown")

CONTACTS = keys(
    "customerp/contact", "exact/contacts", "pairs/contact_contacts", "merged/person", "written/exact/contacts"
)
FEEDS = {"customerp/customer", "customerp/contact", "exact/accounts", "exact/contacts"}


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    with sandbox({**FEW, "contacts": 8}) as served:
        yield served


@pytest.fixture(scope="module")
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    with home(systems.settings, database_server) as made:
        yield made


@pytest.fixture(scope="module")
def first(place: Home) -> Told:
    """The first run."""
    return run(place, [*ORGANISATION, *CONTACTS])


def test_rows_are_those_of_the_table_that_is_named(first: Told, place: Home) -> None:
    """The name of a table is copied into a query and does not exist, or has other rows than Dagit plots."""
    with place.environment():
        specs = {spec.key.to_user_string(): spec.metadata for spec in build_defs().resolve_all_asset_specs()}
    tables = {name: shown["dagster/table_name"] for name, shown in specs.items() if "dagster/table_name" in shown}
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        for name, table in tables.items():
            found = connection.execute(sa.text(f"select * from {table}"))
            columns, rows = set(found.keys()), len(found.all())
            shown = {column.name for column in specs[name]["dagster/column_schema"].columns}
            if name.startswith(("pairs/", "merged/")):
                assert {each for each in shown if not each.startswith("lines.")} <= columns, name
            elif name.startswith("written/"):
                assert len(columns & shown) > 2, name
            if name in first.metadata and not name.startswith("pairs/"):
                # A feed was read before the writes of the run.
                counted = first.metadata[name]["dagster/row_count"]
                assert 0 < counted <= rows if name in FEEDS else counted == rows, name
    ledger.close()
    assert len(tables) == 12 + 8 + 4 + 12


def test_a_write_is_shown_with_what_it_was_and_why(first: Told, place: Home, systems: Sandbox) -> None:
    """Somebody who sees that a value was written cannot see what it was, or whose it is."""
    customer = next(each for each in systems.customerp("customers") if each["City"])
    systems.edit_customerp(f"customers/{customer['Id']}", City="Schoonhoven")
    told = run(place, ORGANISATION)
    (row,) = told.metadata["written/exact/accounts"]["written"]
    assert (row["operation"], row["property"], row["outcome"]) == ("update", "City", "done")
    assert (row["before"], row["after"]) == (customer["City"], "Schoonhoven")
    assert (row["winner"], row["rule"]) == (f"customerp.customer/{customer['Id']}", "latest")
    (change,) = told.metadata["merged/organisation"]["latest_changes"]
    assert {name: change[name] for name in ("before", "after", "winner", "rule")} == {
        name: row[name] for name in ("before", "after", "winner", "rule")
    }
    assert told.metadata["written/exact/accounts"]["calls"] >= 2
    assert told.metadata["written/customerp/customer"]["calls"] == 0
    linked = told.metadata["pairs/customer_accounts"]
    assert linked["dagster/row_count"] == linked["linked_before"] > 0


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [("full", "{}", "Zonderland-full"), ("masked", "{:.1}•••", "Z•••"), ("none", "•••", "•••")],
)
def test_values_of_people_are_shown_as_the_setting_says(
    mode: str, before: str, after: str, first: Told, place: Home, systems: Sandbox
) -> None:
    """Everybody who may open Dagit reads private data, or a team that may see it looks at dots."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        linked = connection.execute(sa.text("select customerp_key from talk.pair_contact_contacts order by 1"))
        key = linked.scalars().all()[("full", "masked", "none").index(mode)]
    ledger.close()
    contact = next(each for each in systems.customerp("contacts") if each["Id"] == key)
    name, address = f"Zonderland-{mode}", f"geen adres van {mode}"
    systems.edit_customerp(f"contacts/{key}", LastName=name)
    other = next(each for each in systems.customerp("contacts") if each["Id"] != key)
    systems.edit_customerp(f"contacts/{other['Id']}", Email=address)
    systems.fault("exact", method="PUT", path="crm/Contacts", message=f"{name} is taken")
    told = run(place, CONTACTS, TALK_SHOW_PERSONAL=mode)
    systems.end_faults()
    systems.edit_customerp(f"contacts/{other['Id']}", Email=other["Email"])
    (change,) = told.metadata["merged/person"]["latest_changes"]
    was = before.format(contact["LastName"])
    assert (change["property"], change["before"], change["after"]) == ("last_name", was, after)
    (write,) = told.metadata["written/exact/contacts"]["written"]
    assert (write["property"], write["before"], write["after"]) == ("LastName", was, after)
    assert write["winner"] == f"customerp.contact/{key}", "whose value it is says nothing about what it is"
    (owed,) = [
        row for row in told.metadata["written/exact/contacts"]["owed_writes"] if row["record"] == write["record"]
    ]
    assert f"{after} is taken" in owed["what"]
    held = {row["value"] for row in told.metadata["customerp/contact"]["held_records"]}
    assert held == {address if mode == "full" else "g•••" if mode == "masked" else "•••"}
    for private in (name, address):
        assert (private in told.log) is (mode == "full")
    assert ("Z•••" in told.log) is (mode == "masked")


@pytest.mark.parametrize("mode", ["masked", *(pytest.param(mode, marks=pytest.mark.soak) for mode in ("full", "none"))])
def test_a_value_that_is_held_of_a_person_is_shown_as_the_setting_says(
    mode: str, first: Told, place: Home, systems: Sandbox
) -> None:
    """The list of holds, and a preview's report, show private data in the sentence that says what is wrong with it."""
    contact = systems.customerp("contacts")[0]
    systems.edit_customerp(f"contacts/{contact['Id']}", Email="geen adres van jan jansen")
    shown = launched(place, mode, "preview", {})
    assert ("jan jansen" in shown) is (mode == "full")
    assert run(place, CONTACTS).success
    shown = launched(place, mode, "holds", {})
    systems.edit_customerp(f"contacts/{contact['Id']}", Email=contact["Email"])
    assert run(place, CONTACTS).success
    assert f"customerp.contact/{contact['Id']}" in shown
    assert "is not an e-mail address" in shown
    assert ("jan jansen" in shown) is (mode == "full")
    assert ("'g•••' is not an e-mail address" in shown) is (mode == "masked")


@pytest.mark.soak
def test_why_a_value_is_not_put_back_does_not_tell_the_value(first: Told, place: Home, systems: Sandbox) -> None:
    """The preview of an undo shows what somebody is called now, where it says why that is left as it is."""
    contact = systems.customerp("contacts")[1]
    undone = []
    for name in ("Geheimnaam", "Andersnaam"):
        systems.edit_customerp(f"contacts/{contact['Id']}", LastName=name)
        undone.append(run(place, CONTACTS))
    shown = {mode: launched(place, mode, "undo", {"run": undone[0].run_id}) for mode in ("full", "masked")}
    assert "Andersnaam" in shown["full"]
    assert "Geheimnaam" in shown["full"]
    for name in ("Andersnaam", "Geheimnaam", contact["LastName"]):
        assert name not in shown["masked"]
    assert "it was decided anew in run" in shown["masked"]
    assert f"'A•••' of customerp.contact/{contact['Id']}" in shown["masked"]


def launched(place: Home, mode: str, job: str, config: dict[str, str]) -> str:
    """All that a job of the launchpad shows beside its op, and says in its log."""
    op = {"preview": "preview_all", "undo": "undo_run"}.get(job, f"{job}_by_hand")
    with place.environment(TALK_SHOW_PERSONAL=mode), dg.DagsterInstance.ephemeral() as instance:
        done = (
            build_defs()
            .resolve_job_def(job)
            .execute_in_process(instance=instance, run_config={**QUIET, "ops": {op: {"config": config}}})
        )
        return Told(instance, done.run_id).log
