"""The comparison as Dagster runs it, and on the command line."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from talk_assets.assets.equal import COMPARE
from talk_assets.definitions import SYNC, build_defs
from talk_assets.errors import ConfigurationError
from talk_assets_tests.assets.runs import QUIET, Told
from talk_assets_tests.equality.conftest import ACCOUNT, CONTACT, CUSTOMER, CUSTOMERS, PERSON, Equal

FLOWS = 8
HIDDEN = "Zwartewaterstraat"


@pytest.fixture(scope="module")
def unequal(equal: Equal) -> Iterator[Equal]:
    """An account and a contact changed, and Exact tells nobody."""
    person = equal.world.twin(CONTACT, equal.contact, PERSON)
    account = equal.twin(equal.customers[-1])
    before = equal.world.show(PERSON, person)["LastName"], equal.world.show(ACCOUNT, account)["City"]
    equal.hide(PERSON, person, LastName=HIDDEN)
    equal.hide(ACCOUNT, account, City=HIDDEN)
    yield equal
    equal.hide(PERSON, person, LastName=before[0])
    equal.hide(ACCOUNT, account, City=before[1])


def run(at: Equal, config: Mapping[str, Any] | None = None, job: str = COMPARE, **changes: str) -> Told:
    """Run the job as its schedule, or a person on the launchpad, does."""
    chosen = {} if config is None else {"ops": {"equal": {"config": dict(config)}}}
    with at.place.environment(**changes), dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs()
            .resolve_job_def(job)
            .execute_in_process(instance=instance, raise_on_error=False, run_config={**QUIET, **chosen})
        )
        return Told(instance, result.run_id)


def test_equal_pairs_pass_and_unequal_ones_fail_with_a_sentence(unequal: Equal) -> None:
    """Somebody sees a red mark and has to find out which records, which values, and what to do."""
    told = run(unequal, {"pairs": 100})
    assert told.success, "the checks tell; nothing else failed"
    assert len(told.checks) == FLOWS
    assert {name for name, check in told.checks.items() if not check.passed} == {
        "pairs/customer_accounts:equal",
        "pairs/contact_contacts:equal",
    }
    accounts = told.checks["pairs/customer_accounts:equal"]
    key, account = unequal.customers[-1], unequal.twin(unequal.customers[-1])
    assert accounts.severity is dg.AssetCheckSeverity.ERROR
    assert accounts.description == (
        f"{CUSTOMERS} of {CUSTOMERS} linked pairs were read from both systems: 1 value differs for no known reason. "
        f"{CUSTOMER}/{key} and {ACCOUNT}/{account} differ in city: 'Utrecht' in Customerp, '{HIDDEN}' in Exact. "
        f"{ACCOUNT} changed it without telling so, and what is not told is read only with everything else: talk-assets "
        "sync --rescan, in Dagit the job rescan."
    )
    beside = told.beside("pairs/customer_accounts:equal")
    assert (beside["linked"], beside["compared"], beside["unexplained"]) == (CUSTOMERS, CUSTOMERS, 1)
    (row,) = beside["unequal"]
    assert (row["record"], row["property"], row["exact"]) == (f"{CUSTOMER}/{key}", "city", HIDDEN)
    assert told.checks["pairs/product_items:equal"].description == "No pair is linked yet."


def test_what_is_about_a_person_is_shown_as_the_setting_says(unequal: Equal) -> None:
    """Whoever may look at Dagit reads people's names."""
    masked = run(unequal, {"entities": [PERSON]})
    contacts = masked.checks["pairs/contact_contacts:equal"]
    assert "differ in last_name: 'S•••' in Customerp, 'Z•••' in Exact." in str(contacts.description)
    assert HIDDEN not in masked.log
    full = run(unequal, {"entities": [PERSON]}, TALK_SHOW_PERSONAL="full")
    assert f"'{HIDDEN}' in Exact" in str(full.checks["pairs/contact_contacts:equal"].description)


def test_the_launchpad_chooses_entities_and_pairs(unequal: Equal) -> None:
    """Who wants to look at one kind of record pays for all of them."""
    told = run(unequal, {"entities": [ACCOUNT], "pairs": 5})
    assert set(told.checks) == {"pairs/customer_accounts:equal"}
    assert told.beside("pairs/customer_accounts:equal")["compared"] == 5
    wrong = run(unequal, {"entities": ["exact.account"]})
    assert wrong.failed["equal"].startswith("There is no entity exact.account to compare")


def test_the_setting_says_how_many_pairs(unequal: Equal) -> None:
    """Every night takes more calls than an administration can spare."""
    told = run(unequal, {"entities": [ACCOUNT]}, TALK_COMPARED_PAIRS="3")
    assert told.beside("pairs/customer_accounts:equal")["compared"] == 3
    none = run(unequal, TALK_COMPARED_PAIRS="0")
    assert (none.success, none.checks) == (True, {})


def test_a_sync_does_not_compare(equal: Equal) -> None:
    """Every sync takes calls for looking at what it has just written."""
    jobs = build_defs()
    checks = {name: jobs.resolve_job_def(name).asset_layer.asset_graph.asset_check_keys for name in (SYNC, "rescan")}
    assert {key.name for keys in checks.values() for key in keys} >= {"undelivered", "schema"}
    assert "equal" not in {key.name for keys in checks.values() for key in keys}
    only = jobs.resolve_job_def(COMPARE).asset_layer
    assert only.executable_asset_keys == set()
    assert len(only.asset_graph.asset_check_keys) == FLOWS


def test_a_system_that_does_not_answer_fails_the_run_with_one_sentence(equal: Equal) -> None:
    """Pairs pass for equal that nobody could read."""
    told = run(equal, {"entities": [ACCOUNT]}, CUSTOMERP_TOKEN="another")
    assert (told.success, told.checks) == (False, {})
    assert "CUSTOMERP_TOKEN" in told.failed["equal"]
    assert "\n" not in told.failed["equal"]


def test_the_command_tells_the_same(unequal: Equal) -> None:
    """On the command line, where `sync` and `why` are, nobody can ask whether both systems are equal."""
    done = unequal.place.call("compare", "--pairs", "100")
    assert done.code == 1
    assert done.out.splitlines()[0].startswith("Compared pairs")
    (row,) = [line.split() for line in done.out.splitlines() if line.startswith("customer_accounts ")]
    assert row[1:4] == [str(CUSTOMERS), str(CUSTOMERS), "1"]
    assert f"differ in last_name: 'Smit' in Customerp, '{HIDDEN}' in Exact" in done.complaint
    assert f"differ in city: 'Utrecht' in Customerp, '{HIDDEN}' in Exact" in done.complaint
    assert "Calls: customerp 25, exact 3" in done.complaint
    listed = [line.split("\t") for line in done.out.splitlines() if "\t" in line]
    assert {(row[2], row[5]) for row in listed} == {
        ("city", "changed without notice"),
        ("last_name", "changed without notice"),
    }, "numbers that differ for good are not listed"


def test_the_command_tells_programs_all(unequal: Equal) -> None:
    """A script has to read tables that are made for people."""
    done = unequal.place.call("compare", "--entity", ACCOUNT, "--pairs", "100", "--json")
    assert done.code == 1
    (flow,) = done.json["flows"]
    assert (flow["flow"], flow["compared"], flow["hindrance"]) == ("customer_accounts", CUSTOMERS, "")
    (row,) = flow["unequal"]
    assert (row["property"], row["exact"], row["unread"]) == ("city", HIDDEN, ACCOUNT)
    assert {each["why"] for each in flow["explained"]} == {"not carried by the mapping"}
    assert unequal.place.call("compare", "--entity", "customerp.product").code == 0
    assert "There is no entity" in unequal.place.call("compare", "--entity", "accounts").complaint


def test_the_schedule_runs_once_automation_is_on(equal: Equal) -> None:
    """Calls are spent in an installation that nobody has switched on; or nobody ever compares."""
    for changes, running, cron in (
        ({}, dg.DefaultScheduleStatus.STOPPED, "0 5 * * *"),
        (
            {"TALK_AUTOMATION": "true", "TALK_COMPARE": "0 6 * * 0", "TALK_TIME_ZONE": "Europe/Amsterdam"},
            dg.DefaultScheduleStatus.RUNNING,
            "0 6 * * 0",
        ),
    ):
        with equal.place.environment(**changes):
            schedule = build_defs().resolve_schedule_def("daily_comparison")
        assert (schedule.job_name, schedule.default_status, schedule.cron_schedule) == (COMPARE, running, cron)
        assert schedule.execution_timezone == changes.get("TALK_TIME_ZONE", "UTC")
    with equal.place.environment(TALK_COMPARE="at night"), pytest.raises(ConfigurationError, match="TALK_COMPARE"):
        build_defs()
