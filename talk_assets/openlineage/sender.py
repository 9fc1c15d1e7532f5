"""Bringing events away beside a run: nothing that a receiver does, or leaves undone, reaches the run."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)
# Seconds: for one event, and for which the end of a run waits until the last ones are gone.
_ANSWER, _LONGEST = 2.0, 3.0


class Sender:
    """Makes and sends events in a thread of its own, until the receiver fails once.

    Args:
        url: the receiver's root address.
        key: its API key.
        longest: seconds that `close` waits.
    """

    def __init__(self, url: str, key: str | None, longest: float = _LONGEST) -> None:
        self._url = url
        self._key = key
        self._longest = longest
        self._waiting: queue.SimpleQueue[Callable[[], Sequence[Any]] | None] = queue.SimpleQueue()
        # A process may end before a receiver that hangs has answered.
        self._thread = threading.Thread(target=self._work, name="openlineage", daemon=True)
        self._thread.start()

    def send(self, make: Callable[[], Sequence[Any]]) -> None:
        """Have events made and sent, in this order; comes back at once."""
        self._waiting.put(make)

    def close(self) -> None:
        """Wait a little until all are sent."""
        self._waiting.put(None)
        self._thread.join(self._longest)
        if self._thread.is_alive():
            log.warning("OpenLineage: the receiver takes too long; the run does not wait for its last events.")

    def _work(self) -> None:
        transport: Any = None
        try:
            while (make := self._waiting.get()) is not None:
                if transport is None:
                    transport = self._connect()
                for event in make():
                    transport.emit(event)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not concern the run
            # Its words are left out: they may hold the address with what somebody put into it.
            log.warning("OpenLineage: %s; this run's further events are left out.", type(error).__name__)
        finally:
            if transport is not None:
                transport.close()

    def _connect(self) -> Any:
        from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

        # Not repeated: each repeat would be another wait.
        config = HttpConfig(self._url, timeout=_ANSWER, retry={"total": 0})
        if self._key is not None:
            config.auth = ApiKeyTokenProvider({"apiKey": self._key})
        return HttpTransport(config)
