"""What a receiver of OpenLineage events is told, and what becomes of a run when it is not there."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from talk_assets.cycle.report import finish
from talk_assets.errors import ConfigurationError
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.openlineage.datasets import Places, steps_of
from talk_assets.openlineage.sender import Sender
from talk_assets_tests.audit.conftest import Books

_KEY = "key-of-the-receiver"
_GOLDEN = "talk.golden_organisation"


class Receiver:
    """Takes events over HTTP; answers with `status`."""

    def __init__(self, status: int = 201) -> None:
        self.events: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.keys.add(self.headers["Authorization"])
                receiver.events.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, job: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["job"]["name"].endswith(f"/{job}")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@contextmanager
def run(books: Books, url: str, name: str) -> Iterator[Any]:
    with (
        books.world.reopened(openlineage_url=url, openlineage_api_key=SecretStr(_KEY)),
        books.world.installation.cycle(name) as cycle,
    ):
        yield cycle


def test_a_run_is_told_with_its_datasets_schemas_and_columns(books: Books, receiver: Receiver) -> None:
    """A company's lineage ends at this platform: nobody sees which column of the ERP a report rests on."""
    with run(books, receiver.url, "00000000-0000-4000-8000-000000000001") as cycle:
        counts = {"created": 1, "updated": 2, "deleted": 0, "failed": 0}
        finish(cycle, {"writes": {"exact.accounts": counts}}, complete=True)
    rounds = receiver.of("sync")
    assert [event["eventType"] for event in rounds] == ["START", "COMPLETE"]
    assert {event["run"]["runId"] for event in rounds} == {"00000000-0000-4000-8000-000000000001"}
    assert rounds[0]["job"]["namespace"] == "talk-assets"
    (_, merged) = receiver.of("merged/organisation")
    assert merged["run"]["facets"]["parent"]["run"]["runId"] == rounds[0]["run"]["runId"]
    (golden,) = merged["outputs"]
    assert (golden["namespace"], golden["name"].partition(".")[2]) == ("postgres://embedded", _GOLDEN)
    phone = golden["facets"]["columnLineage"]["fields"]["phone"]["inputFields"]
    assert {(each["namespace"].partition(":")[0], each["field"]) for each in phone} == {
        ("customerp", "Phone"),
        ("exact", "Phone"),
    }
    assert {each["name"] for each in merged["inputs"]} >= {"customer"}
    (_, sink) = receiver.of("written/exact/accounts")
    (accounts,) = sink["outputs"]
    assert (sink["eventType"], accounts["outputFacets"]["outputStatistics"]["rowCount"]) == ("COMPLETE", 3)
    assert accounts["name"] == f"{books.world.installation.division}/accounts"
    (source,) = accounts["facets"]["columnLineage"]["fields"]["Phone"]["inputFields"]
    assert (source["name"], source["field"]) == (golden["name"], "phone")
    types = {field["name"]: field["type"] for field in golden["facets"]["schema"]["fields"]}
    assert types["phone"] == "text"
    assert receiver.keys == {f"Bearer {_KEY}"}
    told = json.dumps(receiver.events)
    assert [word for word in (_KEY, "app-secret", "first-refresh", "customerp-token", "/tmp") if word in told] == []


def test_a_run_that_fails_says_so_without_quoting_records(books: Books, receiver: Receiver) -> None:
    """A failed night looks like a good one; or a customer's name is in a company's data catalogue."""
    with pytest.raises(ConfigurationError), run(books, receiver.url, "broken"):
        raise ConfigurationError("about Jansen BV")
    (_, broken) = receiver.of("sync")
    message = broken["run"]["facets"]["errorMessage"]["message"]
    assert (broken["eventType"], message) == ("FAIL", "ConfigurationError")
    receiver.events.clear()
    with run(books, receiver.url, "refused") as cycle:
        finish(cycle, {"writes": {"exact.accounts": {"failed": 2}}}, complete=True)
    assert receiver.of("sync")[1]["run"]["facets"]["errorMessage"]["message"].startswith("2 writes failed")
    assert [event["eventType"] for event in receiver.of("written/exact/accounts")] == ["START", "FAIL"]


def test_a_receiver_that_is_down_changes_nothing(books: Books, caplog: pytest.LogCaptureFixture) -> None:
    """Both systems drift apart because a catalogue of data is being updated."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = f"http://127.0.0.1:{taken.getsockname()[1]}"
    refusing = Receiver(503)
    with caplog.at_level(logging.WARNING):
        for url in (free, refusing.url):
            with run(books, url, f"to {url}") as cycle:
                finish(cycle, {"writes": {}}, complete=True)
    refusing.close()
    assert len(refusing.events) == 1
    assert books.world.rows("select count(*) as n from talk.run where run_id like 'to %' and outcome = 'done'") == [
        {"n": 2}
    ]
    warned = [record.getMessage() for record in caplog.records if record.name.startswith("talk_assets.openlineage")]
    assert len(warned) == 2
    assert [text for text in warned if _KEY in text or "127.0.0.1" in text] == []


def test_a_receiver_that_hangs_is_not_waited_for() -> None:
    """Every sync of a minute takes two."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = Sender(f"http://127.0.0.1:{silent.getsockname()[1]}", None, longest=0.2)
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

        job, its_run = Job("n", "j"), Run("00000000-0000-4000-8000-000000000001")
        event = RunEvent(eventType=RunState.START, eventTime="2026-01-01T00:00:00Z", run=its_run, job=job)
        sender.send(lambda: [event] * 5)
        began = time.monotonic()
        sender.close()
        assert time.monotonic() - began < 1


def test_an_address_that_is_none_is_told_before_any_work(books: Books) -> None:
    """A typing error sends a password to a log, or events nowhere, and nobody notices."""
    wrong = pytest.raises(ConfigurationError, match="OPENLINEAGE_URL: leave user and password out")
    with wrong, run(books, "https://me:secret@lineage.example", "never"):
        pass
    assert books.world.rows("select * from talk.run where run_id = 'never'") == []


def test_every_mapped_column_is_traced(subtests: pytest.Subtests) -> None:
    """A column of the books seems to come from nowhere."""
    capabilities = load_capabilities()
    mappings = load_mappings(None, capabilities)
    places = Places(
        {"customerp": "https://erp.example/api?x=y", "exact": "sandbox"}, "7", sa.make_url("postgresql://u:p@h/d")
    )
    steps = {step.name: step for step in steps_of(mappings, capabilities, places)}
    assert set(steps) >= {"merged/sales_document", "written/customerp/order", "written/exact/salesorders"}
    assert "written/exact/employees" not in steps
    with subtests.test("lines go with their documents"):
        names = [made.name for made in steps["written/exact/salesorders"].outputs]
        assert names == ["7/salesorders", "7/salesorder_lines"]
    with subtests.test("places hold no login"):
        (golden, *_) = steps["merged/organisation"].outputs
        assert (golden.namespace, golden.name) == ("postgres://h:5432", f"d.{_GOLDEN}")
        assert steps["merged/organisation"].inputs[0].namespace == "customerp://erp.example/api"
    with subtests.test("every column of what is written has a source"):
        for step in steps.values():
            for made in step.outputs if step.entity is not None else ():
                assert [name for name, column in made.columns.items() if not column.made_from] == [], step.name
