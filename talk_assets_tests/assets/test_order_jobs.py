"""Orders as jobs, from the launchpad."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from talk_assets.definitions import build_defs
from talk_assets_tests.assets.runs import QUIET
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home
from talk_assets_tests.orders.office import ACCOUNT, CONTACT, CUSTOMER, PERSON, office

pytestmark = pytest.mark.xdist_group("orders jobs")

JOBS = ("conflicts", "holds", "resolve", "link", "unlink", "accept", "retry")


@pytest.fixture(scope="module")
def place(database_server: DatabaseServer) -> Iterator[Home]:
    with office(database_server) as opened:
        yield opened


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


def launch(
    place: Home, repository: dg.RepositoryDefinition, name: str, shown: str = "", **config: str
) -> tuple[dg.ExecuteInProcessResult, dict[str, Any]]:
    """Run a job as the launchpad does; its result, and what stands beside the op's output."""
    wanted: Mapping[str, Any] = {**QUIET, "ops": {f"{name}_by_hand": {"config": config}}}
    with place.environment(TALK_SHOW_PERSONAL=shown), dg.DagsterInstance.ephemeral() as instance:
        done = repository.get_job(name).execute_in_process(instance=instance, run_config=wanted, raise_on_error=False)
    beside = [event.step_output_data.metadata for event in done.all_events if event.is_successful_output]
    return done, {label: value.value for each in beside for label, value in each.items()}


def test_every_order_is_a_job_that_explains_itself(repository: dg.RepositoryDefinition) -> None:
    """A controller who works in Dagit has to ask somebody with a terminal."""
    assert set(JOBS) <= {job.name for job in repository.get_all_jobs()}
    for name in JOBS:
        job = repository.get_job(name)
        assert f"`talk-assets {name}`" in (job.description or "")
        (node,) = job.nodes
        definition: Any = node.definition
        fields = definition.config_schema.config_type.fields
        assert all(field.description for field in fields.values()), name
        assert ("who" in fields) is (name not in ("conflicts", "holds")), name


def test_lists_are_tables_without_what_people_are_called(place: Home, repository: dg.RepositoryDefinition) -> None:
    """Everybody who may open Dagit reads names of people, or a value with a bar tears the table apart."""
    _, shown = launch(place, repository, "conflicts")
    assert shown["count"] == 2
    assert PERSON in shown["conflicts"]
    assert "Vos" not in shown["conflicts"]
    assert "| V••• |" in shown["conflicts"]
    _, shown = launch(place, repository, "conflicts", "none")
    assert "| ••• |" in shown["conflicts"]
    assert "V•••" not in shown["conflicts"]
    _, shown = launch(place, repository, "conflicts", "full")
    assert "| Vos |" in shown["conflicts"]
    _, shown = launch(place, repository, "holds", kind="ambiguous")
    assert shown["holds"].splitlines()[2].startswith(f"| {CUSTOMER} | ambiguous |  | two have \\| one number |")


def test_orders_are_carried_out_and_a_wrong_key_is_one_sentence(
    place: Home, repository: dg.RepositoryDefinition
) -> None:
    """An order given in Dagit seems done and is not, or the run is repeated for an hour."""
    done, _ = launch(place, repository, "link", record=CUSTOMER, other="exact.accounts/none")
    assert not done.success
    (failure,) = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert "no run has read a record of exact.accounts" in str(failure.user_failure_data.description)
    for name, config in (
        ("retry", {"record": CUSTOMER}),
        ("link", {"record": CUSTOMER, "other": ACCOUNT}),
        ("unlink", {"record": CUSTOMER, "other": ACCOUNT}),
        ("accept", {"what": CUSTOMER}),
        ("accept", {"what": "exact.accounts", "kind": "volume"}),
        ("resolve", {"record": PERSON, "property": "last_name", "take": CONTACT}),
    ):
        done, shown = launch(place, repository, name, who="anna", **config)
        assert done.success, name
        if name == "retry":
            assert shown["owed_again"].endswith(f"| exact.accounts for {CUSTOMER} |")
    _, shown = launch(place, repository, "conflicts")
    assert shown["count"] == 0
    orders = [row for row in place.tables()["history"] if re.search(r",\d*,person,", row)]
    assert len(orders) == 8
    assert all("anna" in row for row in orders)
