"""Starts syncs as processes of their own, and kills them (-9) at a moment of a given kind."""

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_assets.settings import Settings
from talk_assets_tests.crash.child import AFTER_SEND, Ended, Stop, is_write, sync
from talk_assets_tests.cycle.harness import World
from talk_assets_tests.cycle.stage import stage

# Syncs are forked from a process that has imported everything: a kill then costs little more than the sync.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["talk_assets_tests.crash.child", "pytest"])
_LONGEST = 300.0
# What becomes of a request whose sender is killed: it is carried out before, at once, later, or never.
_FATES = ("answered to nobody", "carried out", "carried out late", "lost on the way")


class Running:
    """A sync in a process of its own.

    Args:
        settings: of its installation.
        run_id: id of the run.
        stop: the moment at which it stands still.
        subjects: those that take part; none: all.
    """

    def __init__(
        self, settings: Settings, run_id: str, stop: Stop | None = None, subjects: Sequence[str] = ("organisation",)
    ) -> None:
        self._line, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=sync, args=(settings, run_id, subjects, stop, theirs))
        self._process.start()
        theirs.close()

    def said(self) -> str | Ended | None:
        """The moment at which it stands still, or how it ended; None when it was killed."""
        try:
            return self._line.recv() if self._line.poll(_LONGEST) else None
        except EOFError:
            return None

    def kill(self) -> None:
        """Kill it (-9), and wait until it is gone."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        wait([self._process.sentinel], _LONGEST)

    def join(self) -> int:
        """Wait for its end; its exit code, negative when it was killed."""
        self._process.join(_LONGEST)
        self._line.close()
        assert self._process.exitcode is not None, "a sync does not end"
        return self._process.exitcode


class Killer:
    """Runs syncs in other processes and kills them.

    Attributes:
        hits: kills per moment.
        fates: of the kills after a request was sent: what became of the request.
    """

    def __init__(self, world: World, draw: random.Random, subjects: Sequence[str]) -> None:
        self.hits: Counter[str] = Counter()
        self.fates: Counter[str] = Counter()
        self._world = world
        self._draw = draw
        self._subjects = subjects
        self._runs = 0
        self._armed: _Armed | None = None

    @contextmanager
    def at_the_door(self) -> Iterator[None]:
        """See every request to the systems while the block runs."""
        with stage().around(self._door):
            yield

    def run(self, stop: Stop | None = None, meanwhile: Callable[[], None] | None = None) -> Ended | None:
        """Run one sync.

        Args:
            stop: the moment at which it is killed; None: it is left alone.
            meanwhile: what users do right before the kill.

        Returns:
            How it ended; None when it was killed.
        """
        self._runs += 1
        inside = None if stop is None or stop.moment == AFTER_SEND else stop
        running = Running(self._world.installation.settings, f"process {self._runs}", inside, self._subjects)
        self._armed = _Armed(stop.number, running.kill, meanwhile) if stop is not None and inside is None else None
        said = running.said()
        if isinstance(said, str):
            if meanwhile is not None:
                meanwhile()
            running.kill()
        code = running.join()
        self._armed = None
        if isinstance(said, Ended):
            return said
        assert stop is not None, "a sync that nobody killed ended without a word"
        assert code == -signal.SIGKILL, code
        self.hits[stop.moment] += 1
        return None

    def _door(self, app: ASGIApp) -> ASGIApp:
        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            armed = self._armed
            if armed is None or not is_write(scope["method"], scope["path"]) or not armed.counts():
                await app(scope, receive, send)
                return
            self._armed = None
            content = await _content(receive)
            if armed.meanwhile is not None:
                await asyncio.to_thread(armed.meanwhile)
            fate = self._draw.choice(_FATES)
            self.fates[fate] += 1
            if fate == "answered to nobody":
                await app(scope, _saying(content), _nowhere)
            await asyncio.to_thread(armed.kill)
            if fate == "carried out late":
                await asyncio.sleep(self._draw.uniform(0, self._world.installation.settings.talk_answer_seconds))
            if fate.startswith("carried out"):
                await app(scope, _saying(content), _nowhere)

        return door


class _Armed:
    """A kill that waits for the n-th write."""

    def __init__(self, number: int, kill: Callable[[], None], meanwhile: Callable[[], None] | None) -> None:
        self.kill = kill
        self.meanwhile = meanwhile
        self._left = number

    def counts(self) -> bool:
        """Count a write; whether it is the one."""
        self._left -= 1
        return self._left == 0


async def _content(receive: Receive) -> bytes:
    """The whole body: what arrives after the sender's death is cut off."""
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return content


def _saying(content: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive


async def _nowhere(_message: Message) -> None:
    """Take an answer that nobody gets."""
