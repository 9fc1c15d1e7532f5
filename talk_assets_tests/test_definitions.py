"""The code location as a whole: which assets there are, what they say of themselves, and what comes before what."""

import re
from functools import cache
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from talk_assets import definitions
from talk_assets.assets.order import referred_to
from talk_assets.definitions import SYNC, build_defs
from talk_assets.mappings.load import load_capabilities, load_mappings

MAPPINGS = load_mappings(None, load_capabilities())
CUSTOMERP = ("customer", "contact", "employee", "product", "quote", "order")
EXACT = ("accounts", "contacts", "employees", "items", "quotations", "salesorders")
ENTITIES = {*(f"customerp/{name}" for name in CUSTOMERP), *(f"exact/{name}" for name in EXACT)}
SOURCES = {f"source/{entity}" for entity in ENTITIES}
DELETIONS = {"customerp/deletions", "exact/deletions"}
FEEDS = ENTITIES | DELETIONS
PAIRS = {
    "pairs/customer_accounts",
    "pairs/product_items",
    "pairs/contact_contacts",
    "pairs/employee_contacts",
    "pairs/employee_employees",
    "pairs/quote_quotations",
    "pairs/order_quotations",
    "pairs/order_salesorders",
}
MERGED = {"merged/organisation", "merged/product", "merged/person", "merged/sales_document"}
SINKS = {f"written/{entity}" for entity in ENTITIES}
REPORTS = {"reports/onboarding"}
GROUPS = {
    "sources": SOURCES,
    "feeds": FEEDS,
    "matched_pairs": PAIRS,
    "merged": MERGED,
    "sinks": SINKS,
    "reports": REPORTS,
}


@cache
def graph() -> AssetGraph:
    """The graph as the code server makes it: from the module's loader, without settings of ours."""
    found = definitions.defs()
    dg.Definitions.validate_loadable(found)
    return found.get_repository_def().asset_graph


def names(keys: Any) -> set[str]:
    return {key.to_user_string() for key in keys}


def node(name: str) -> Any:
    return graph().get(dg.AssetKey(name.split("/")))


def upstream(name: str) -> set[str]:
    """Everything that comes before an asset."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = names(node(waiting.pop()).parent_keys) - seen
        seen |= fresh
        waiting.extend(fresh)
    return seen


def test_the_assets_are_those_that_people_know() -> None:
    """Runs, schedules and links of a team point to assets that are no longer there."""
    assert names(graph().get_all_asset_keys()) == set().union(*GROUPS.values())
    assert names(graph().materializable_asset_keys) == FEEDS | PAIRS | MERGED | SINKS | REPORTS
    assert names(graph().external_asset_keys) == SOURCES


@pytest.mark.parametrize("group", GROUPS)
def test_every_asset_says_what_it_is(group: str) -> None:
    """Somebody who opens an asset in Dagit does not learn what it is, whose it is, or where its data is from."""
    for name in GROUPS[group]:
        found = node(name)
        assert found.group_name == group, name
        assert found.owners == ["team:talk-assets"], name
        assert len(found.description or "") > 40, name
        assert found.kinds, name
        if group != "sources":
            assert found.code_version == "1", name


def test_kinds_name_the_systems() -> None:
    """The picture of the lineage does not show which side an asset belongs to."""
    for name in FEEDS | SOURCES | SINKS:
        system = "customerp" if "customerp" in name else "exact"
        assert node(name).kinds & {"customerp", "exact"} == {system}, name
        assert name.endswith("deletions") or node(name).tags["system"] == system, name
    for name in PAIRS:
        assert {"customerp", "exact"} <= node(name).kinds, name


def test_every_layer_is_checked() -> None:
    """A feed that breaks, an ambiguous record or a debt shows only to those who query the ledger."""
    checks = {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph().asset_check_keys}
    expected = {f"{name}:schema" for name in ENTITIES | PAIRS | MERGED}
    expected |= {f"{name}:ambiguity" for name in PAIRS} | {f"{name}:conflicts" for name in MERGED}
    expected |= {f"{name}:{check}" for name in PAIRS for check in ("equal", "document")}
    expected |= {f"{name}:undelivered" for name in SINKS}
    feeds = FEEDS - DELETIONS
    expected |= {f"{name}:guard" for name in SINKS | feeds} | {"exact/employees:readable"}
    assert checks == expected


def test_checks_do_not_stop_what_comes_after() -> None:
    """One bad record keeps all others from being written."""
    for key in graph().asset_check_keys:
        assert not graph().get(key).blocking, key
        assert graph().get(key).description, key


@pytest.mark.parametrize("name", sorted((SOURCES | FEEDS | PAIRS | MERGED | SINKS) - DELETIONS))
def test_columns_are_described(name: str) -> None:
    """People see a table name and no columns, and ask the developers what a column means or where it is from."""
    metadata = node(name).metadata
    columns = {column.name: column for column in metadata["dagster/column_schema"].columns}
    assert len(columns) > 2
    assert all(column.type and column.description for column in columns.values())
    lineage = metadata["dagster/column_lineage"].deps_by_column if name not in SOURCES else {}
    assert set(lineage) <= set(columns)
    assert lineage or name in SOURCES
    for column, origins in lineage.items():
        for origin in origins:
            above = origin.asset_key.to_user_string()
            assert above in SOURCES | FEEDS | PAIRS | MERGED
            theirs = node(above).metadata["dagster/column_schema"].columns
            assert origin.column_name in {each.name for each in theirs}, (column, origin)
    readable = metadata["column_lineage"].value
    assert [line for line in readable.splitlines() if line.startswith("| `")] != []
    assert all(f"| `{column}` |" in readable for column in columns)


def test_columns_say_where_they_are_from() -> None:
    """The meaning of a column is known, and not which property of which system to correct."""
    for name, column, source in (
        ("exact/accounts", "postcode", "From source/exact/accounts.Postcode."),
        ("pairs/customer_accounts", "city_exact", "From exact/accounts.city."),
        ("written/customerp/customer", "ZipCode", "From merged/organisation.postcode."),
    ):
        (found,) = [each for each in node(name).metadata["dagster/column_schema"].columns if each.name == column]
        assert found.description.endswith(source)


def test_descriptions_of_pairs_name_their_criteria() -> None:
    """Nobody can tell from Dagit why two records were called the same."""
    for flow_name, flow in MAPPINGS.flows.items():
        description = node(f"pairs/{flow_name}").description
        for alternative in flow.criteria:
            for part in alternative:
                assert part.property in description, flow_name
        for first, second in (alternative[:2] for alternative in flow.criteria if len(alternative) > 1):
            # How loosely they are compared stands between them.
            assert re.search(rf"{first.property}( \([^)]*\))? and {second.property}", description), flow_name
        if flow.join is not None:
            assert f"{flow.join.name} names the other record" in description, flow_name


def test_data_passes_the_layers_in_order() -> None:
    """A run writes what it has not read or decided yet."""
    for name in ENTITIES:
        system = name.partition("/")[0]
        assert names(node(name).parent_keys) == {f"source/{name}", f"{system}/deletions"}
    for flow_name, flow in MAPPINGS.flows.items():
        feeds = {entity.replace(".", "/") for entity in flow.entities}
        earlier = {f"merged/{subject}" for subject in referred_to(MAPPINGS.subject_of(flow.customerp), MAPPINGS)}
        assert names(node(f"pairs/{flow_name}").parent_keys) == feeds | earlier
    for subject in MAPPINGS.subjects.values():
        assert names(node(f"merged/{subject.subject}").parent_keys) == {f"pairs/{flow}" for flow in subject.flows}
        for entity in subject.entities:
            assert f"merged/{subject.subject}" in names(node(f"written/{entity.replace('.', '/')}").parent_keys)


@pytest.mark.parametrize("system", ["customerp", "exact"])
def test_what_is_referred_to_is_decided_and_written_before_what_refers_to_it(system: str) -> None:
    """An order is created before its customer, and refused."""
    subjects = MAPPINGS.subjects
    assert set(referred_to(subjects["sales_document"], MAPPINGS)) == {"organisation", "product", "person"}
    assert referred_to(subjects["person"], MAPPINGS) == ["organisation"]
    for subject in subjects.values():
        for earlier in referred_to(subject, MAPPINGS):
            assert f"merged/{earlier}" in upstream(f"merged/{subject.subject}")
            for entity in subject.entities:
                for other in subjects[earlier].entities:
                    if entity.startswith(system) and other.startswith(system):
                        before = upstream(f"written/{entity.replace('.', '/')}")
                        assert f"written/{other.replace('.', '/')}" in before, (entity, other)


def test_exact_is_written_before_customerp() -> None:
    """What Exact fills in itself, as a code, reaches Customerp one run late."""
    for subject in MAPPINGS.subjects.values():
        exact = {f"written/{e.replace('.', '/')}" for e in subject.entities if e.startswith("exact")}
        for entity in subject.entities:
            if entity.startswith("customerp"):
                assert exact <= upstream(f"written/{entity.replace('.', '/')}")
            else:
                assert not [
                    name for name in upstream(f"written/{entity.replace('.', '/')}") if "written/customerp" in name
                ]


def test_the_job_takes_everything() -> None:
    """A run of the job `sync` does less than `talk-assets sync`."""
    job = definitions.defs().get_repository_def().get_job(SYNC)
    selected = job.asset_layer.executable_asset_keys
    assert names(selected) == FEEDS | PAIRS | MERGED | SINKS | REPORTS
    steps = {node.name for node in job.all_node_defs}
    assert {f"written__{entity.replace('/', '__')}_undelivered" for entity in ENTITIES} <= steps
    assert {f"ambiguity_{subject}" for subject in MAPPINGS.subjects} <= steps
    assert job.executor_def.name == "in_process"


def test_mappings_of_a_team_make_the_assets() -> None:
    """A team that leaves out a subject still has its assets, and they write."""
    organisation = MAPPINGS.model_copy(update={"subjects": {"organisation": MAPPINGS.subjects["organisation"]}})
    few = build_defs(organisation, load_capabilities(), {"talk": None}).resolve_asset_graph()
    assert names(few.materializable_asset_keys) == {
        "customerp/customer",
        "customerp/deletions",
        "exact/accounts",
        "exact/deletions",
        "pairs/customer_accounts",
        "merged/organisation",
        "written/customerp/customer",
        "written/exact/accounts",
        "reports/onboarding",
    }
