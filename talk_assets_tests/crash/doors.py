"""What happens to requests on their way to the systems, and commands in a world's environment."""

import asyncio
import threading
from collections.abc import Callable

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from talk_assets.settings import Settings
from talk_assets_tests.crash.child import is_write

ORGANISATION = ("sync", "--confirm", "--subject", "organisation", "--json")


def before_request(
    happens: Callable[[], None], number: int = 1, *, writes: bool = True
) -> Callable[[ASGIApp], ASGIApp]:
    """Something that happens once, before the n-th write or, otherwise, request to the systems is carried out."""
    left = [number]

    def around(app: ASGIApp) -> ASGIApp:
        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            if not scope["path"].startswith("/_admin") and (is_write(scope["method"], scope["path"]) or not writes):
                left[0] -= 1
                if left[0] == 0:
                    await asyncio.to_thread(happens)
            await app(scope, receive, send)

        return door

    return around


class Held:
    """A request that is held up until it is released."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self._released = threading.Event()

    def __call__(self) -> None:
        self.arrived.set()
        self._released.wait(60)

    def release(self) -> None:
        self._released.set()


def environment_of(settings: Settings) -> dict[str, str]:
    """Settings as a team writes them into its environment."""
    found = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = ",".join(value) if isinstance(value, list) else str(value)
            found[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else text
    return found
