"""The process that is killed: a sync without Dagster, which can be made to stand still at a chosen moment.

What it watches is outside the product: the HTTP transport below the connectors and the driver below the ledger. The
process ends after one sync, so nothing is put back.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import httpx
import psycopg

from talk_assets.cycle.report import finish, summary
from talk_assets.errors import TalkError
from talk_assets.installation import open_installation
from talk_assets.settings import Settings
from talk_assets_tests.cycle.done import Report
from talk_assets_tests.cycle.harness import World

BEFORE_SEND, AFTER_SEND, AFTER_ANSWER = "before send", "after send", "after answer"
BEFORE_COMMIT, AFTER_COMMIT = "before commit", "after commit"
MOMENTS = (BEFORE_SEND, AFTER_SEND, AFTER_ANSWER, BEFORE_COMMIT, AFTER_COMMIT)


@dataclass(frozen=True)
class Stop:
    """Where to stand still and wait for the end: the n-th time, counted from 1, that the moment comes."""

    moment: str
    number: int


@dataclass(frozen=True)
class Ended:
    """How a process ended that was not killed.

    Attributes:
        passed: how often each moment came.
        problem: what stopped the sync; empty when nothing did.
    """

    passed: Counter[str]
    problem: str


def is_write(method: str, path: str) -> bool:
    """Whether a request changes a record; one for a token does not."""
    return method != "GET" and "oauth" not in path and not path.startswith("/_admin")


class _Watch:
    def __init__(self, line: Connection, stop: Stop | None) -> None:
        self.passed: Counter[str] = Counter()
        self._line = line
        self._stop = stop

    def passes(self, moment: str) -> None:
        self.passed[moment] += 1
        if self._stop == Stop(moment, self.passed[moment]):
            self._line.send(moment)
            # The process is killed here. If its parent is gone, the line has ended and so does the process.
            self._line.poll(None)
            os._exit(1)

    def begin(self) -> None:
        send, commit = httpx.HTTPTransport.handle_request, psycopg.Connection.commit

        def watched_send(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            written = is_write(request.method, request.url.path)
            if written:
                self.passes(BEFORE_SEND)
            response = send(transport, request)
            if written:
                response.read()
                self.passes(AFTER_ANSWER)
            return response

        def watched_commit(connection: psycopg.Connection[object]) -> None:
            self.passes(BEFORE_COMMIT)
            commit(connection)
            self.passes(AFTER_COMMIT)

        httpx.HTTPTransport.handle_request = watched_send  # type: ignore[assignment]
        psycopg.Connection.commit = watched_commit  # type: ignore[assignment]


def sync(settings: Settings, run_id: str, subjects: Sequence[str], stop: Stop | None, line: Connection) -> None:
    """Run one sync; the line is told the moment at which it stands still, or how it ended.

    Args:
        settings: of the installation.
        run_id: id of the run.
        subjects: those that take part; none: all.
        stop: where to stand still.
        line: to the process that kills this one.
    """
    watch = _Watch(line, stop)
    watch.begin()
    problem = ""
    try:
        with open_installation(settings) as installation, installation.cycle(run_id) as cycle:
            report = Report()
            World.take(cycle, report, subjects)
            World.give(cycle, report, subjects)
            finish(cycle, summary(cycle, 0), complete=True)
    except TalkError as error:
        problem = f"{type(error).__name__}: {error}"
    line.send(Ended(watch.passed, problem))
