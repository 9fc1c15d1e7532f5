"""The sensors on a real ledger and real systems: what they ask, what they start, and what they leave alone."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from talk_assets.assets import run as run_module
from talk_assets.automation.agenda import Agenda
from talk_assets.definitions import SYNC, build_defs
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.locks import division_lock
from talk_assets.ledger.notifications import keep
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.onboarding.gate import confirm
from talk_assets_tests.assets.runs import QUIET, run
from talk_assets_tests.automation.looks import Sensor, names, query
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home, Sandbox, home


def tell(place: Home, systems: Sandbox, topic: str, key: str) -> None:
    """Have a notification kept, as the receiver does."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    division, mark = str(systems.said["exact_division"]), str(uuid.uuid4())
    with ledger.begin() as connection:
        keep(connection, division=division, topic=topic, action="Update", key=key, told_at="", mark=mark)
    ledger.close()


def settled(sensor: Sensor) -> None:
    """Have run what a sensor finds at first."""
    request = sensor.look()
    if isinstance(request, dg.RunRequest):
        assert sensor.run(request)


def test_an_edit_in_customerp_starts_the_smallest_run(systems: Sandbox, customerp: Sensor) -> None:
    """Every edit would read everything of both systems, and Exact's calls would be spent by noon."""
    settled(customerp)
    first = customerp.look()
    assert str(first).startswith("Nothing changed in "), first
    customer = systems.customerp("customers")[0]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Zwolle")
    systems.forget_calls()
    request = customerp.look()
    assert {"customerp/customer", "pairs/customer_accounts", "written/exact/accounts"} <= names(request)
    assert not {"customerp/contact", "exact/accounts", "exact/deletions", "customerp/deletions"} & names(request)
    assert not systems.calls()["exact"], "asking Customerp costs no call of Exact"
    assert customerp.look() == "What changed in customerp.customer was run for already, and the next attempt waits."
    assert isinstance(request, dg.RunRequest)
    assert customerp.run(request)
    assert "Zwolle" in {account["City"] for account in systems.exact("Accounts").values()}
    last = customerp.look()
    assert str(last).startswith("Nothing changed in "), last


def test_exact_is_asked_at_once_where_it_told_and_seldom_otherwise(
    systems: Sandbox, exact: Sensor, synced: Home
) -> None:
    """An edit that Exact announced waits for minutes, or questions use up the calls that writes need."""
    exact.look()
    systems.forget_calls()
    assert exact.look() == "exact was asked lately, and told of nothing since."
    assert not systems.calls()["exact"]
    key = next(iter(systems.exact("Accounts")))
    systems.edit_exact(f"Accounts/{key}", City="Assen")
    tell(synced, systems, "Accounts", key)
    request = exact.look()
    assert systems.calls()["exact"].total() == 1, systems.calls()["exact"]
    assert {"exact/accounts", "written/customerp/customer"} <= names(request)
    assert not {"exact/contacts", "customerp/customer"} & names(request)
    assert isinstance(request, dg.RunRequest)
    checked = {(key.asset_key.to_user_string(), key.name) for key in request.asset_check_keys or ()}
    assert {("exact/accounts", "schema"), ("written/customerp/customer", "undelivered")} <= checked
    assert not {"equal", "document"} & {name for _, name in checked}, "their own jobs do that"
    assert exact.run(request)
    steps = exact.begun()
    assert steps.index("written__customerp__customer.confirm_customerp_customer") < steps.index("merged__person")
    assert "Assen" in {customer["City"] for customer in systems.customerp("customers")}
    systems.forget_calls()
    assert exact.look() == "exact was asked lately, and told of nothing since.", "it was read since it was told of"
    assert not systems.calls()["exact"]
    assert query(synced, "select count(*) from talk.notification where settled_at is null") == [(0,)]


@pytest.mark.soak
def test_a_notification_that_comes_before_the_change_can_be_read_is_asked_about_again(
    systems: Sandbox, exact: Sensor, synced: Home
) -> None:
    """An edit would wait for the next round of questions because its notification was faster than the list."""
    settled(exact)
    key = next(iter(systems.exact("Accounts")))
    tell(synced, systems, "Accounts", key)
    assert exact.look() == "Nothing changed in exact.accounts."
    assert exact.look() == "exact was asked lately, and told of nothing since."
    query(synced, "update talk.record set read_at = read_at - interval '1 hour'")
    query(synced, "update talk.notification set received_at = received_at - interval '31 seconds'")
    systems.edit_exact(f"Accounts/{key}", City="Delft")
    # The first question was asked before the 31 seconds were over.
    agenda = Agenda.load(exact.cursor)
    agenda.note_asked("exact.accounts", agenda.asked["exact.accounts"] - timedelta(seconds=31))
    exact.cursor = agenda.model_dump_json()
    request = exact.look()
    assert "exact/accounts" in names(request)
    assert isinstance(request, dg.RunRequest)
    assert exact.run(request)


@pytest.mark.soak
def test_what_is_owed_starts_a_run_when_its_time_has_come(
    systems: Sandbox, customerp: Sensor, owed: Sensor, synced: Home
) -> None:
    """A write that failed for a moment would stay owed until somebody edits something."""
    assert owed.look() == "Nothing is owed whose time has come."
    customer = systems.customerp("customers")[0]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Goes")
    request = customerp.look()
    assert isinstance(request, dg.RunRequest)
    systems.fault("exact", method="PUT", status=503, times=None)
    customerp.run(request)
    systems.end_faults()
    assert query(synced, "select count(*) from talk.owed where state = 'owed'") == [(1,)]
    assert str(owed.look()).startswith("The last run did not end well; another one begins in "), "it fails again"
    for table, column in (("run", "started_at"), ("history", "at")):
        query(synced, f"update talk.{table} set {column} = {column} - interval '1 hour'")
    again = owed.look()
    assert isinstance(again, dg.RunRequest)
    assert again.asset_selection is None, "nobody knows what the run that failed left out"
    query(synced, "update talk.run set outcome = 'done'")
    request = owed.look()
    assert "written/exact/accounts" in names(request)
    assert not {"exact/accounts", "customerp/customer"} & names(request)
    assert isinstance(request, dg.RunRequest)
    assert owed.run(request)
    assert "Goes" in {account["City"] for account in systems.exact("Accounts").values()}
    assert owed.look() == "Nothing is owed whose time has come."


@pytest.mark.soak
def test_an_order_starts_a_run_once(synced: Home, owed: Sensor) -> None:
    """A person decides, and nothing happens until somebody edits something."""
    ((key, other),) = query(
        synced,
        "select c.key, e.key from talk.member c join talk.member e using (cluster_id) "
        "where c.entity = 'customerp.customer' and e.entity = 'exact.accounts' order by c.key limit 1",
    )
    done = synced.call("unlink", f"customerp.customer/{key}", f"exact.accounts/{other}")
    assert done.code == 0, done.err
    request = owed.look()
    assert isinstance(request, dg.RunRequest), request
    assert request.asset_selection is None
    assert isinstance(owed.look(), str), "the same order asks for one run only"
    assert owed.run(request)
    assert owed.look() == "Nothing is owed whose time has come."


def test_a_run_that_was_started_and_did_not_begin_is_started_again(synced: Home, owed: Sensor) -> None:
    """After an outage that a second run met as well, nothing would be sent until somebody edits something."""
    query(synced, "update talk.run set outcome = 'failures', started_at = started_at - interval '1 hour'")
    try:
        first = owed.look()
        assert isinstance(first, dg.RunRequest), first
        # An order of another test of the last hour is as good.
        assert str(owed.look()).endswith("did not begin; the next attempt waits.")
        agenda = Agenda.load(owed.cursor)
        for attempt in agenda.attempts.values():
            attempt.at -= timedelta(seconds=61)
        owed.cursor = agenda.model_dump_json()
        again = owed.look()
        assert isinstance(again, dg.RunRequest), again
        assert again.asset_selection is None
    finally:
        query(synced, "update talk.run set outcome = 'done', started_at = started_at + interval '1 hour'")


def test_a_run_of_dagster_waits_for_whoever_works_on_its_division(
    systems: Sandbox, synced: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole read of the night would fail because somebody ran a command, and not be repeated."""
    monkeypatch.setattr(run_module, "PATIENCE", 0.2)
    ledger = open_ledger(synced.settings["TALK_DATABASE_URL"])
    with (
        division_lock(ledger, str(systems.said["exact_division"]), 0, "by hand"),
        synced.environment(),
    ):
        done = (
            build_defs()
            .resolve_job_def(SYNC)
            .execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(["customerp", "deletions"])],
                run_config=dict(QUIET),
                raise_on_error=False,
            )
        )
    ledger.close()
    assert not done.success
    assert "waited 0.2 s" in str(done.all_events), "as long as a run of Dagster may, and not as long as a command"
    with synced.environment():
        definitions = build_defs()
    for name in ("preview", "undo", "resolve", "link", "unlink", "accept", "retry"):
        tags = definitions.resolve_job_def(name).tags
        assert tags == {"talk/division": str(systems.said["exact_division"])}, f"{name} takes its turn"
    for name in ("conflicts", "holds"):
        assert definitions.resolve_job_def(name).tags == {}, f"{name} waits for nobody"


def test_nothing_is_started_while_the_division_is_at_work(
    systems: Sandbox, customerp: Sensor, synced: Home, instance: dg.DagsterInstance
) -> None:
    """Two runs of a division would wait for each other, and the second would end as failed."""
    customer = systems.customerp("customers")[0]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Meppel")
    ledger = open_ledger(synced.settings["TALK_DATABASE_URL"])
    with division_lock(ledger, str(systems.said["exact_division"]), 0, "by hand"):
        assert "The division is at work (run by hand since " in str(customerp.look())
    ledger.close()
    with synced.environment():
        job = build_defs().resolve_job_def(SYNC)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=job.tags)
    assert customerp.look() == "A run is under way; what changes meanwhile is looked at afterwards."
    instance.delete_run(run.run_id)
    assert "customerp/customer" in names(customerp.look())


def test_nothing_is_started_before_somebody_confirmed(systems: Sandbox, database_server: DatabaseServer) -> None:
    """The first look of a sensor would write into the books before anybody has seen what is written."""
    with home(systems.settings, database_server) as place, dg.DagsterInstance.ephemeral() as instance:
        for name in ("customerp_changes", "exact_changes", "owed_writes"):
            assert "Nobody has confirmed the first sync" in str(Sensor(place, instance, name).look())
        with place.environment():
            definitions = build_defs()
            repository = definitions.get_repository_def()

        def ask(name: str, **changes: str) -> Any:
            at = datetime(2026, 11, 30, 2, 30, tzinfo=UTC)
            with place.environment(**changes):
                context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
                return definitions.get_schedule_def(name).evaluate_tick(context)

        for name in ("daily_rescan", "daily_comparison"):
            asked = ask(name)
            assert not asked.run_requests
            assert "Nobody has confirmed the first sync" in str(asked.skip_message)
            away = ask(name, TALK_DATABASE_URL="postgresql://talk@127.0.0.1:1/talk")
            assert away.run_requests, "the read of the day is not lost with a moment's outage: its run asks again"
        ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
        confirm(ledger, str(systems.said["exact_division"]), "x", "somebody")
        ledger.close()
        for name in ("daily_rescan", "daily_comparison"):
            assert ask(name).run_requests


@pytest.mark.soak
def test_a_feed_that_may_not_be_read_stops_no_other_and_is_asked_with_measure(systems: Sandbox, exact: Sensor) -> None:
    """One missing scope keeps all edits from coming, or the questions about it use up the calls of the day."""
    settled(exact)
    systems.fault("exact", path="sync/CRM/Contacts", status=403, times=None)
    agenda = Agenda.load(exact.cursor)
    for feed, at in list(agenda.asked.items()):
        agenda.note_asked(feed, at - timedelta(hours=1))
    exact.cursor = agenda.model_dump_json()
    key = next(iter(systems.exact("Items")))
    systems.edit_exact(f"Items/{key}", Notes="Read all the same.")
    systems.forget_calls()
    assert "exact/items" in names(exact.look())
    asked = systems.calls()["exact"].total()
    exact.look()
    assert systems.calls()["exact"].total() == asked, "it is asked again in the next round"
    systems.end_faults()


@pytest.mark.soak
def test_many_feeds_that_may_not_be_read_stop_no_other(systems: Sandbox, synced: Home, exact: Sensor) -> None:
    """Two missing rights keep all later feeds from being asked, round after round."""
    settled(exact)
    for path in ("sync/CRM/Accounts", "sync/CRM/Contacts"):
        systems.fault("exact", path=path, status=403, times=None)
    systems.forget_calls()
    for _ in range(2):
        exact.cursor = None
        exact.look()
    asked = [call for call in systems.calls()["exact"] if "Deleted" in call]
    assert asked, "what is asked last has its turn as well"
    assert "exact.accounts may not be read" in str(exact.look()), "the page of the sensor says it until it is mended"
    systems.end_faults()
    exact.cursor = None
    exact.look()
    assert query(synced, "select feed from talk.cursor where feed like 'trouble.exact.%'") == []


@pytest.mark.soak
def test_a_damaged_cursor_takes_no_calls_and_stops_no_other_feed(systems: Sandbox, synced: Home, exact: Sensor) -> None:
    """Every look would fail and forget what was asked: all other feeds are asked every few seconds, all day."""
    settled(exact)
    ((before,),) = query(synced, "select value from talk.cursor where feed = 'exact.items'")
    query(synced, "update talk.cursor set value = 'damaged' where feed = 'exact.items'")
    exact.cursor = None
    exact.look()
    systems.forget_calls()
    for _ in range(3):
        assert "the stored cursor of exact.items" in str(exact.look())
    asked = systems.calls()["exact"].total()
    query(synced, f"update talk.cursor set value = '{before}' where feed = 'exact.items'")
    exact.look()
    assert asked == 0


def test_a_system_that_does_not_answer_is_told_in_a_sentence(systems: Sandbox, customerp: Sensor) -> None:
    """The sensor would look healthy for as long as nothing can be read, or show a page of Python."""
    systems.fault("customerp", status=401, times=None)
    systems.forget_calls()
    assert "CUSTOMERP_TOKEN" in str(customerp.look())
    assert systems.calls()["customerp"].total() == 2, "who is refused twice does not ask on"
    systems.end_faults()


@pytest.mark.soak
def test_the_whole_read_of_the_day_finds_what_no_list_told(systems: Sandbox, synced: Home) -> None:
    """What a notification and a list of changes left out would stay different for good."""
    customer = systems.customerp("customers")[1]
    systems.edit_customerp(f"customers/{customer['Id']}", City="Hoorn")
    # As if the change had been read already.
    query(synced, "update talk.cursor set value = '999999' where feed = 'customerp.customer'")
    run(synced)
    assert "Hoorn" not in {account["City"] for account in systems.exact("Accounts").values()}
    with synced.environment():
        schedule = build_defs().resolve_schedule_def("daily_rescan")
        with dg.build_schedule_context() as context:
            data = schedule.evaluate_tick(context)
    (request,) = data.run_requests or ()
    told = run(synced, config=request.run_config)
    assert {name for name, beside in told.metadata.items() if beside.get("full_read")} == {
        entity.replace(".", "/") for entity in load_mappings(None, load_capabilities()).entities
    }
    assert "Hoorn" in {account["City"] for account in systems.exact("Accounts").values()}
