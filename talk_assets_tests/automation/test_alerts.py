"""Who is told what needs a person: over a real chat's webhook."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from talk_assets.automation.alerts import Alerts
from talk_assets.automation.conditions import Condition, own_words
from talk_assets.automation.schedules import RESCAN
from talk_assets.automation.trouble import note_trouble
from talk_assets.automation.watch import watching
from talk_assets.definitions import SYNC, build_defs
from talk_assets.errors import AccessDenied, SystemUnavailable
from talk_assets.installation import open_installation
from talk_assets.ledger.guards import VOLUME
from talk_assets.settings import load_settings
from talk_assets_tests.assets.runs import QUIET
from talk_assets_tests.automation.looks import Sensor, query
from talk_assets_tests.automation.test_messages import Mails, served
from talk_assets_tests.installed import Home, Sandbox

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Chat:
    """A chat's webhook, and what was posted to it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status = 200
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if chat.status == 200:
                    chat.texts.append(json.loads(body)["text"])
                self.send_response(chat.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing: the test looks at what came."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/secret"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_each_condition_is_told_once_and_once_that_it_is_over(systems: Sandbox, synced: Home, chat: Chat) -> None:
    """Nobody hears of books that stand still, or everybody turns the messages off because they come every minute."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, customerp = Sensor(synced, instance, "alerts"), Sensor(synced, instance, "customerp_changes")
        told = {"TALK_ALERT_WEBHOOK": chat.url}
        assert alerts.look(**told) == "0 known, nothing new."
        assert chat.texts == []
        systems.fault("customerp", status=401, times=None)
        for _ in range(2):
            assert "CUSTOMERP_TOKEN" in str(customerp.look())
            alerts.look(**told)
        (text,) = chat.texts
        assert "CUSTOMERP_TOKEN" in text
        assert systems.said["customerp_token"] not in text
        query(
            synced,
            "insert into talk.owed (division, cluster_id, entity, operation, values, state, since, run) select "
            "division, cluster_id, 'exact.accounts', 'update', '{}', 'dead', now() - interval '25 hours', 'x' "
            "from talk.member limit 1",
        )
        query(
            synced,
            "insert into talk.guard (division, entity, kind, reason, seen, tripped_at, run) values "
            f"('{systems.said['exact_division']}', 'exact.items', '{VOLUME}', '60 of 100.', 60, now(), 'x')",
        )
        query(synced, "update talk.run set outcome = 'failures'")
        alerts.look(**told)
        alerts.look(**told)
        assert len(chat.texts) == 2, chat.texts
        assert "talk-assets accept exact.items" in chat.texts[1]
        assert "1 write to exact.accounts is owed for more than 24 hours" in chat.texts[1]
        assert "did not end well" in chat.texts[1]
        systems.end_faults()
        query(synced, "delete from talk.owed")
        query(synced, "delete from talk.guard")
        query(synced, "update talk.run set outcome = 'done'")
        customerp.look()
        alerts.look(**told)
        alerts.look(**told)
    assert len(chat.texts) == 3, chat.texts
    assert chat.texts[2].startswith("*talk-assets, division")
    assert chat.texts[2].count("Over: ") == 4


@pytest.mark.soak
def test_what_could_not_be_sent_is_sent_at_the_next_look(synced: Home, chat: Chat) -> None:
    """A chat that is away for a moment makes the message disappear; or the address, a secret, is in Dagit."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        query(synced, "update talk.run set outcome = 'failures'")
        chat.status = 500
        with pytest.raises(dg.Failure, match="TALK_ALERT_WEBHOOK: the message was answered with 500") as failed:
            alerts.look(**told)
        assert "secret" not in str(failed.value)
        chat.status = 200
        alerts.look(**told)
        query(synced, "update talk.run set outcome = 'done'")
    assert len(chat.texts) == 1


@pytest.mark.soak
def test_who_was_told_is_not_told_again_with_those_who_were_not(synced: Home, chat: Chat) -> None:
    """A mistake in TALK_SMTP_URL posts the same message to the chat every thirty seconds, for ever."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts = Sensor(synced, instance, "alerts")
        told = {"TALK_ALERT_WEBHOOK": chat.url, "TALK_ALERT_EMAIL": "a@example.com"}
        query(synced, "update talk.run set outcome = 'failures'")
        assert "TALK_SMTP_URL is not set" in str(alerts.look(**told)), "what failed is seen beside what was told"
        for _ in range(2):
            with pytest.raises(dg.Failure, match="TALK_SMTP_URL"):
                alerts.look(**told, TALK_SMTP_URL="smtp://user:hidden@127.0.0.1:1")
        assert len(chat.texts) == 1, chat.texts
        box = Mails()
        with served(box) as port:
            for _ in range(2):
                alerts.look(**told, TALK_SMTP_URL=f"smtp://127.0.0.1:{port}")
        query(synced, "update talk.run set outcome = 'done'")
    assert len(chat.texts) == len(box.mails) == 1
    assert b"did not end well" in box.mails[0]


def test_a_run_that_goes_on_has_not_failed(synced: Home, chat: Chat) -> None:
    """Every look that falls into a healthy run tells of a failure, and a minute later that it is over."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        with synced.environment(), open_installation(load_settings()) as at, at.cycle("going on"):
            alerts.look(**told)
        assert chat.texts == []
        # Its process has ended, and left it so.
        alerts.look(**told)
        assert "The last run did not end well" in chat.texts[0]
        # A run that is repeated says nothing of how it will end.
        with synced.environment(), open_installation(load_settings()) as at, at.cycle("again"):
            alerts.look(**told)
        query(synced, "update talk.run set outcome = 'done'")
        assert len(chat.texts) == 1


@pytest.mark.soak
def test_a_right_that_is_missing_hides_no_refused_login(systems: Sandbox, synced: Home, chat: Chat) -> None:
    """A feed that is left out because it may not be read is told of for ever, and no login that fails after it."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, exact = Sensor(synced, instance, "alerts"), Sensor(synced, instance, "exact_changes")
        told, left_out = {"TALK_ALERT_WEBHOOK": chat.url}, {"TALK_LEAVE_OUT": "contact_contacts,employee_contacts"}
        systems.fault("exact", path="sync/CRM/Contacts", status=403, times=None)
        exact.look()
        alerts.look(**told)
        assert "exact.contacts" in chat.texts[0]
        systems.end_faults()
        systems.fault("exact", status=401, times=None)
        exact.cursor = None
        exact.look()
        alerts.look(**told)
        assert "Over: " not in chat.texts[1]
        assert "talk-assets exact login" in chat.texts[1]
        systems.end_faults()
        exact.cursor = None
        exact.look(**left_out)
        alerts.look(**told, **left_out)
    assert chat.texts[2].count("Over: ") == 2, chat.texts
    assert "is well again" in chat.texts[2]
    assert query(synced, "select feed from talk.cursor where feed like 'trouble.%'") == []


def test_an_outage_of_the_ledger_is_told(synced: Home, chat: Chat) -> None:
    """Nothing is synchronised any more, and the place that would tell of it says nothing; or it says all is well."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        query(synced, "update talk.run set outcome = 'failures'")
        alerts.look(**told)
        assert "did not end well" in chat.texts[0]
        for _ in range(2):
            alerts.look(**told, TALK_DATABASE_URL="postgresql://talk:hidden@127.0.0.1:1/talk")
        assert len(chat.texts) == 2, chat.texts
        assert "no run can begin: " in chat.texts[1]
        assert "hidden" not in chat.texts[1]
        assert "Over: " not in chat.texts[1], "what cannot be looked at is not over"
        alerts.look(**told)
        query(synced, "update talk.run set outcome = 'done'")
    assert chat.texts[2].count("Over: ") == 1
    assert "needs less" in chat.texts[2]


@pytest.mark.soak
def test_a_whole_read_that_did_not_begin_is_told(synced: Home, chat: Chat) -> None:
    """What only the whole read finds stays unread, day after day; or an old failure of a sync is told for ever."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}

        def run(job: str, **changes: str) -> bool:
            with synced.environment(**changes):
                made = build_defs().resolve_job_def(job)
                # What a person or the schedule launches; a part of it is enough here.
                part = [dg.AssetKey(["exact", "deletions"])]
                return made.execute_in_process(
                    instance=instance, asset_selection=part, run_config=dict(QUIET), raise_on_error=False
                ).success

        assert not run(SYNC, EXACT_DIVISION="1")
        alerts.look(**told)
        assert " failed: " in chat.texts[0]
        assert run(RESCAN)
        alerts.look(**told)
        assert chat.texts[1].count("Over: ") == 1, "a run that came through later ends it, whichever job it is of"
        assert not run(RESCAN, EXACT_DIVISION="1")
        assert run(SYNC)
        alerts.look(**told)
        assert "launch the job rescan" in chat.texts[2], "no other run reads what it did not"
        assert run(RESCAN)
        alerts.look(**told)
    assert "is well again" in chat.texts[3]


@pytest.mark.soak
def test_a_run_that_could_not_begin_is_told(systems: Sandbox, synced: Home, chat: Chat) -> None:
    """A revoked token ends every run before it is noted in the ledger: nobody would hear of it."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        sensor = Sensor(synced, instance, "owed_writes")
        assert not sensor.run(dg.RunRequest(asset_selection=[dg.AssetKey(["exact", "deletions"])]), EXACT_DIVISION="1")
        alerts.look(**told)
    assert len(chat.texts) == 1
    assert "failed: " in chat.texts[0]


def test_what_comes_and_goes_is_told_once_an_hour() -> None:
    """A system that answers every other minute sends thirty messages an hour."""
    alerts, found = Alerts(), [Condition("exact passing", "Exact does not answer.")]
    told = list[str]()
    for minute in range(121):
        begins, over = alerts.changes(found if minute % 2 == 0 else [], BEGIN + timedelta(minutes=minute))
        told += [*("begun" for _ in begins), *("over" for _ in over)]
        alerts = Alerts.model_validate_json(alerts.model_dump_json())
    assert told == ["begun", "over", "begun", "over", "begun"]


def test_what_came_back_to_stay_is_told_after_the_hour() -> None:
    """The last that was heard of it is that it was over."""
    alerts, found = Alerts(), [Condition("exact passing", "Exact does not answer.")]
    assert alerts.changes(found, BEGIN) == (["Exact does not answer."], [])
    assert alerts.changes([], BEGIN + timedelta(minutes=1)) == ([], ["Exact does not answer."])
    assert alerts.changes(found, BEGIN + timedelta(minutes=2)) == ([], [])
    assert alerts.changes(found, BEGIN + timedelta(minutes=60)) == (["Exact does not answer."], [])
    assert alerts.changes([], BEGIN + timedelta(minutes=61)) == ([], ["Exact does not answer."])


def test_debts_that_have_grown_are_told_again() -> None:
    """One write that stays refused hides the five hundred that follow a week later."""
    alerts = Alerts()

    def told(count: int, entity: str = "exact.accounts") -> bool:
        found = [Condition("debts exact.accounts", "owed", 1), Condition(f"debts {entity}", f"{count} owed", count)]
        begins, over = alerts.changes(found[-1:] if entity == "exact.accounts" else found, BEGIN)
        assert not over
        return bool(begins)

    assert told(1)
    assert not told(11), "a few more are no other matter"
    assert told(12)
    assert not told(23)
    assert told(501)
    assert told(1, "exact.items"), "what is owed to another entity is told by itself"


def test_a_write_that_waits_for_weeks_is_told(synced: Home, chat: Chat) -> None:
    """A customer's account that never comes keeps its contacts out of the books, and nobody hears of it."""
    insert = (
        "insert into talk.owed (division, cluster_id, entity, operation, values, state, since, run) select division, "
        "cluster_id, 'exact.contacts', 'create', '{{}}', 'waiting', now() - interval '{} days', 'x' from talk.member "
        "limit 1"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        query(synced, insert.format(6))
        alerts.look(**told)
        assert chat.texts == []
        query(synced, "update talk.owed set since = now() - interval '8 days' where run = 'x'")
        alerts.look(**told)
        query(synced, "delete from talk.owed where run = 'x'")
    assert "1 write to exact.contacts waits for another record" in chat.texts[0]


def test_debts_are_told_per_entity(synced: Home, chat: Chat) -> None:
    """A refused write to one entity hides that nothing reaches another one."""
    insert = (
        "insert into talk.owed (division, cluster_id, entity, operation, values, state, since, run) select division, "
        "cluster_id, '{}', 'update', '{{}}', 'dead', now() - interval '25 hours', 'x' from talk.member limit 1"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        query(synced, insert.format("exact.accounts"))
        alerts.look(**told)
        query(synced, insert.format("customerp.customer"))
        alerts.look(**told)
        query(synced, "delete from talk.owed where run = 'x'")
    assert [text.count("1 write to customerp.customer is owed") for text in chat.texts] == [0, 1]


def test_no_message_holds_what_a_system_says_of_a_record(systems: Sandbox, synced: Home, chat: Chat) -> None:
    """A name or an address in an error of Exact's stands in everybody's chat, for ever."""
    said = {
        "exact.contacts": AccessDenied("exact", "reading: Exact answered 403, Jan Jansen may not", status=403),
        "exact.items": AccessDenied("exact", "reading: Exact answered 401, Jan Jansen has left", status=401),
        "customerp.customer": SystemUnavailable("customerp", "reading: it answered 503 (Jan Jansen)", status=503),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        with synced.environment(), watching(None) as watch:
            for feed, fault in said.items():
                note_trouble(watch, feed, fault)
        since = "replace(value, left(split_part(value, ' ', 2), 4), '2020')"
        query(synced, f"update talk.cursor set value = {since} where feed like 'trouble.%'")
        alerts.look(**told)
        query(synced, "delete from talk.cursor where feed like 'trouble.%'")
    (text,) = chat.texts
    assert text.count("• ") == 3, text
    assert "Jan" not in text
    assert all(name in text for name in ("exact.contacts", "(403)", "talk-assets exact login", "(503)"))
    for sentence in (
        "writing exact.accounts/1: Exact refuses it with 500, Jan Jansen exists. Correct the record.",
        "reading customerp.customer: Customerp answered 404 (Jan Jansen): there is no such record",
    ):
        assert own_words(sentence) == f"{sentence[: sentence.index('Jan') - 2]}; see its log in Dagit."
    assert own_words("EXACT_DIVISION is not set.") == "EXACT_DIVISION is not set."


@pytest.mark.soak
def test_that_nobody_has_logged_in_is_told_with_what_to_do(synced: Home, chat: Chat) -> None:
    """Nothing is read any more, nobody hears of it, and the sensor only fails every few seconds."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, exact = Sensor(synced, instance, "alerts"), Sensor(synced, instance, "exact_changes")
        told, nobody = {"TALK_ALERT_WEBHOOK": chat.url}, {"EXACT_CLIENT_ID": "another", "EXACT_REFRESH_TOKEN": ""}
        for _ in range(3):
            assert "run `talk-assets exact login`" in str(exact.look(**nobody))
            alerts.look(**told)
        assert len(chat.texts) == 1, chat.texts
        assert chat.texts[0].count("run `talk-assets exact login`") == 1
        assert "exact login" not in str(exact.look()), "every feed is asked as soon as somebody has logged in"
        alerts.look(**told)
    assert "Over: Nobody has logged in" in chat.texts[1]


@pytest.mark.soak
def test_a_connector_that_cannot_be_made_is_told_once(synced: Home, chat: Chat) -> None:
    """A profile that is wrong stops both systems, and is one matter."""
    with dg.DagsterInstance.ephemeral() as instance:
        alerts, told = Sensor(synced, instance, "alerts"), {"TALK_ALERT_WEBHOOK": chat.url}
        sensors = [Sensor(synced, instance, f"{system}_changes") for system in ("customerp", "exact")]
        for _ in range(2):
            for sensor in sensors:
                assert "no-such.yaml" in str(sensor.look(CUSTOMERP_PROFILE="no-such.yaml"))
            alerts.look(**told)
        assert len(chat.texts) == 1, chat.texts
        assert chat.texts[0].count("no-such.yaml") == 1
        for sensor in sensors:
            sensor.look()
        alerts.look(**told)
    assert "Over: no-such.yaml" in chat.texts[1]
