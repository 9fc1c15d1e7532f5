"""Two divisions, each with its own Customerp and its own Exact, as partitions of the same assets."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from talk_assets.assets.divisions import settings_of
from talk_assets.dagster_home import dagster_home
from talk_assets.definitions import build_defs
from talk_assets.errors import ConfigurationError
from talk_assets.ledger.database import open_ledger
from talk_assets.onboarding.gate import confirm
from talk_assets.settings import load_divisions, load_settings
from talk_assets_tests.assets.runs import CONFIRMED, QUIET, Told
from talk_assets_tests.automation.looks import Sensor, names, query
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox

pytestmark = pytest.mark.xdist_group("divisions")
SECOND = "2222222"
_FEWER: dict[str, Any] = {**FEW, "customers": 3, "division": f"{SECOND}=Tweede BV", "seed": 7}


def suffixed(settings: Mapping[str, str], division: str) -> dict[str, str]:
    """The settings as a team gives them for one division."""
    return {f"{name}_{division}": value for name, value in settings.items() if name != "EXACT_DIVISION"}


@pytest.fixture(scope="module")
def second() -> Iterator[Sandbox]:
    """The systems of the second division."""
    with sandbox(_FEWER) as served:
        yield served


@pytest.fixture(scope="module")
def first() -> Iterator[Sandbox]:
    """The systems of the first division."""
    with sandbox(FEW) as served:
        yield served


@pytest.fixture(scope="module")
def place(first: Sandbox, second: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation of both; what is set for all of them belongs to the first one."""
    general = {name: value for name, value in first.settings.items() if name != "EXACT_DIVISION"}
    both = {"EXACT_DIVISIONS": f"{first.said['exact_division']},{SECOND}"}
    with home({**general, **both, **suffixed(second.settings, SECOND)}, database_server) as made:
        yield made


def test_a_division_is_a_partition_and_touches_no_other(
    first: Sandbox, second: Sandbox, place: Home, instance: dg.DagsterInstance
) -> None:
    """What one company sells would be written into the books of another."""
    one = str(first.said["exact_division"])
    runs = {}
    with place.environment():
        job = build_defs().resolve_job_def("sync")
        for division in (one, SECOND):
            # The second one has the same name twice, so that its check does not pass.
            if division == SECOND:
                twin = second.customerp("customers")[0]
                for _ in range(2):
                    second.add_customerp("customers", Name=twin["Name"], VatNumber=twin["VatNumber"])
            done = job.execute_in_process(
                instance=instance, partition_key=division, run_config={**QUIET, **CONFIRMED}, raise_on_error=False
            )
            runs[division] = Told(instance, done.run_id)
            assert runs[division].success, runs[division].log
            assert done.dagster_run.tags["talk/division"] == division
    counted = query(place, "select division, count(*) from talk.record where entity = 'customerp.customer' group by 1")
    assert {str(row[0]): row[1] for row in counted} == {one: FEW["customers"], SECOND: _FEWER["customers"] + 2}
    assert {account["Name"] for account in first.exact("Accounts").values()}.isdisjoint(
        {customer["Name"] for customer in second.customerp("customers")}
    )
    key = dg.AssetKey(["written", "exact", "accounts"])
    assert instance.get_materialized_partitions(key) == {one, SECOND}
    ambiguous = {name: told.checks["pairs/customer_accounts:ambiguity"] for name, told in runs.items()}
    assert ambiguous[one].passed
    assert {name: found.partition for name, found in ambiguous.items()} == {one: one, SECOND: SECOND}


@pytest.mark.soak
def test_each_division_is_compared_by_itself(first: Sandbox, place: Home, instance: dg.DagsterInstance) -> None:
    """One company's check would hide that the books of another are unequal."""
    one = str(first.said["exact_division"])
    with place.environment():
        definitions = build_defs()
        context = dg.build_schedule_context(
            scheduled_execution_time=datetime(2026, 11, 30, 5, tzinfo=UTC),
            repository_def=definitions.get_repository_def(),
        )
        asked = definitions.get_schedule_def("daily_comparison").evaluate_tick(context).run_requests or []
        assert {request.partition_key for request in asked} == {one, SECOND}
        done = {
            division: definitions.resolve_job_def("compare").execute_in_process(
                instance=instance, partition_key=division, run_config=QUIET, raise_on_error=False
            )
            for division in (one, SECOND)
        }
    compared = {}
    for division, result in done.items():
        told = Told(instance, result.run_id)
        assert told.success, told.log
        assert result.dagster_run.tags["talk/division"] == division
        check = told.checks["pairs/customer_accounts:equal"]
        assert (check.passed, check.partition) == (True, division)
        compared[division] = told.beside("pairs/customer_accounts:equal")["compared"]
    counted = query(
        place,
        "select division, count(*) from talk.member where entity = 'exact.accounts' and cluster_id in "
        "(select cluster_id from talk.member where entity = 'customerp.customer') group by 1",
    )
    assert compared == {str(row[0]): row[1] for row in counted}


@pytest.mark.soak
def test_each_division_has_sensors_that_start_only_its_own_runs(
    second: Sandbox, place: Home, instance: dg.DagsterInstance
) -> None:
    """An edit in one company's ERP would wait for, or start, a run of another company."""
    with place.environment():
        found = sorted(sensor.name for sensor in build_defs().sensors or ())
    assert f"customerp_changes_{SECOND}" in found
    assert len([name for name in found if name.startswith(("customerp_", "exact_", "owed_"))]) == 6
    (one,) = (
        name.removeprefix("customerp_changes_")
        for name in found
        if name.startswith("customerp_") and not name.endswith(SECOND)
    )
    mine, other = (Sensor(place, instance, f"customerp_changes_{division}") for division in (SECOND, one))
    customer = second.customerp("customers")[1]
    second.edit_customerp(f"customers/{customer['Id']}", City="Zierikzee")
    assert str(other.look()).startswith("Nothing changed in ")
    request = mine.look()
    assert "written/exact/accounts" in names(request)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == SECOND
    assert mine.run(request)
    assert "Zierikzee" in {account["City"] for account in second.exact("Accounts").values()}


@pytest.mark.soak
def test_a_command_is_told_which_division_is_meant(first: Sandbox, place: Home) -> None:
    """A command without a division would do to one company what was meant for another."""
    unsaid = place.call("status")
    assert unsaid.code == 2
    assert f"name one with --division, as in talk-assets --division {first.said['exact_division']}" in unsaid.complaint
    wrong = place.call("--division", "3333333", "sync")
    assert wrong.code == 2
    assert "3333333 is not configured; it is one of" in wrong.complaint
    for division in (str(first.said["exact_division"]), SECOND):
        done = place.call("--division", division, "sync", "--confirm")
        assert done.code == 0, done.err
        assert query(place, "select division from talk.run order by started_at desc limit 1") == [(division,)]
        with place.environment(), dg.DagsterInstance.from_config(str(dagster_home(load_settings(())))) as kept:
            (run,) = kept.get_runs(limit=1)
        assert run.tags["talk/division"] == f"{division}, by command", "killed, it would keep Dagster's runs waiting"
        assert run.tags["dagster/partition"] == division


def test_the_rescan_of_the_day_is_of_every_division(place: Home, first: Sandbox) -> None:
    """The books of one company would never be looked through."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    for division in (str(first.said["exact_division"]), SECOND):
        confirm(ledger, division, "x", "somebody")
    ledger.close()
    with place.environment():
        definitions = build_defs()
        context = dg.build_schedule_context(
            scheduled_execution_time=datetime(2026, 11, 30, tzinfo=UTC), repository_def=definitions.get_repository_def()
        )
        asked = definitions.get_schedule_def("daily_rescan").evaluate_tick(context).run_requests or []
    assert {request.partition_key for request in asked} == {str(first.said["exact_division"]), SECOND}
    assert all(request.run_config["resources"]["talk"]["config"]["rescan"] for request in asked)


@pytest.mark.parametrize("shared", ["CUSTOMERP_URL", "CUSTOMERP_TOKEN"])
def test_two_divisions_never_share_the_records_of_customerp(place: Home, shared: str) -> None:
    """What one administration holds would reach the other one through Customerp."""
    with place.environment(**{f"CUSTOMERP_URL_{SECOND}": None, f"CUSTOMERP_TOKEN_{SECOND}": None}):
        with pytest.raises(ConfigurationError, match="have the same Customerp"):
            load_divisions()
        with pytest.raises(ConfigurationError, match="have the same Customerp"):
            load_settings(division=SECOND)
    with place.environment(**{f"{shared}_{SECOND}": None}):
        assert len(load_divisions()) == 2, "another address or another token is another company's"


@pytest.mark.parametrize(
    "other", ["https://ERP.example.com:443/api/", "HTTPS://erp.example.com/api", "https://erp.example.com./api"]
)
def test_one_address_in_two_spellings_is_one_customerp(place: Home, other: str) -> None:
    """A capital letter would undo what keeps the books of two companies apart."""
    addresses = {"CUSTOMERP_URL": "https://erp.example.com/api", f"CUSTOMERP_URL_{SECOND}": other}
    with (
        place.environment(**addresses, **{f"CUSTOMERP_TOKEN_{SECOND}": None}),
        pytest.raises(ConfigurationError, match="have the same Customerp"),
    ):
        load_divisions()


def test_a_run_for_no_single_division_is_refused(place: Home, first: Sandbox) -> None:
    """What was meant for all would be done to the one that commands mean, and shown as done to all."""
    one = str(first.said["exact_division"])
    with place.environment(EXACT_DIVISION=one):
        with pytest.raises(ConfigurationError, match="choose one partition"):
            settings_of(None)
        done = build_defs().resolve_job_def("holds").execute_in_process(run_config=dict(QUIET), raise_on_error=False)
        assert not done.success
        run = dg.DagsterRun("sync", tags={"dagster/partition": SECOND})
        assert settings_of(run).exact_division == int(SECOND)


def test_one_division_shows_no_partitions(place: Home, first: Sandbox) -> None:
    """Everybody with one administration would have to choose it again for every run."""
    with place.environment(EXACT_DIVISIONS=SECOND):
        definitions = build_defs()
        assert load_settings().exact_division == int(SECOND)
        assert load_settings().customerp_url != first.settings["CUSTOMERP_URL"]
    graph = definitions.resolve_asset_graph()
    assert all(graph.get(key).partitions_def is None for key in graph.get_all_asset_keys())
    assert {"customerp_changes", "exact_changes", "owed_writes", "alerts"} == {
        s.name for s in definitions.sensors or ()
    }


def test_a_wrong_setting_of_one_division_is_named_with_it(place: Home) -> None:
    """Whoever has ten divisions would search all of them for a typing error."""
    with (
        place.environment(**{f"CUSTOMERP_TOKEN_{SECOND}": None, "CUSTOMERP_TOKEN": None}),
        pytest.raises(ConfigurationError, match="CUSTOMERP_TOKEN"),
    ):
        load_settings(division=SECOND)
    with (
        place.environment(**{f"EXACT_EMPLOYER_ACCOUNT_{SECOND}": "x" * 3, "EXACT_DIVISIONS": "1,two"}),
        pytest.raises(ConfigurationError, match="EXACT_DIVISIONS"),
    ):
        load_divisions()
