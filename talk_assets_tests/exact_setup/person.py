"""Somebody who sets up a connection to Exact: a team's settings, and a browser."""

import html
import io
import re
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from talk_assets_tests.installed import Done, Home
from talk_assets_tests.sandbox.exact.site import Site


def settings_of(site: Site) -> dict[str, str]:
    """All that a login needs; nothing of Customerp, no division."""
    return {"EXACT_URL": site.address, "EXACT_CLIENT_ID": "app", "EXACT_CLIENT_SECRET": "app-secret"}


def allow(page: str) -> str:
    """Do what a person does at Exact's page: look at it and press the button; where that leads."""
    shown = httpx.get(page)
    assert shown.status_code == 200
    action = re.search(r'<form method="post" action="([^"]+)"', shown.text)
    assert action is not None
    answer = httpx.post(urljoin(page, html.unescape(action[1])))
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


class Browser(io.TextIOBase):
    """The browser that a command opens, and the terminal into which its address is pasted.

    Args:
        changes: what the person pastes instead of the address that the browser ended on, by it.
    """

    def __init__(self, changes: Callable[[str], str] | None = None) -> None:
        self.pages: list[str] = []
        self._changes = changes or (lambda address: address)

    def open(self, page: str) -> bool:
        self.pages.append(page)
        return True

    def readline(self, _size: int | None = -1) -> str:  # type: ignore[override]
        return f"{self._changes(allow(self.pages[-1]))}\n"


@contextmanager
def at(browser: Any, *, terminal: Any = None) -> Iterator[None]:
    """Have the command open this browser, and read from this terminal, while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webbrowser, "open", browser.open)
        patch.setattr(sys, "stdin", browser if terminal is None else terminal)
        yield


def log_in(place: Home, *words: str, browser: Browser | None = None, **changes: str | None) -> Done:
    """Log in by the browser, pasting the address."""
    browser = browser or Browser()
    with at(browser):
        return place.call("exact", "login", "--open", *words, **changes)
