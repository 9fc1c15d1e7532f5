"""HTTP as both connectors use it: one client with bounded, growing repeats that never repeats a write blindly.

A connector says of every request what sending it twice would do (`Effect`) and judges which answers are passing faults
(`Judge`); this module repeats what may be repeated and turns what stays broken into `SystemUnavailable`. Statuses that
are the system's own business (400, 403, 404, 409, 422, ...) are returned for the connector to map.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from http import HTTPStatus
from json import loads
from typing import Any, Protocol

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from talk_assets.errors import ConfigurationError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.json_text import whole_characters

logger = logging.getLogger(__name__)

# Seconds that an answer is waited for, unless told otherwise.
ANSWER_SECONDS = 60.0
# Faults that arise before a request has left: whatever it was, it was not carried out.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_LAST_PORT = 65535
_TOLD_WAIT = 5.0  # seconds; longer waits are logged


class Effect(Enum):
    """What a request changes, and so whether it may be sent again when no answer came."""

    NONE = "none"  # changes nothing: repeated freely
    REPEATABLE = "repeatable"  # carrying it out twice is the same as once
    ONCE = "once"  # carrying it out twice does harm: repeated only when it was certainly not carried out


@dataclass(frozen=True, slots=True)
class PassingFault:
    """An answer that says: not now.

    Attributes:
        problem: what was seen, for a person, without a full stop.
        wait: seconds after which the system said it can be asked again.
        refused: whether the request was certainly not carried out.
        status: HTTP status of the answer.
    """

    problem: str
    wait: float | None = None
    refused: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again.

    Attributes:
        attempts: requests in all, the first included.
        first_wait: seconds before the second attempt; doubled, with some chance added, before each further one.
        longest_wait: seconds; a system that asks for more is not waited for.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 120.0


class Judge(Protocol):
    """Says of an answer whether it is a passing fault."""

    def __call__(self, response: httpx.Response) -> PassingFault | None:
        """The fault, or None when the answer is to be used as it is."""


class Gate(Protocol):
    """Where a system's budget of calls is kept."""

    def before(self, url: httpx.URL) -> None:
        """Wait until a call may be sent; SystemUnavailable when that takes too long."""

    def after(self, response: httpx.Response) -> None:
        """Learn from an answer what is left."""


class _Again(Exception):
    """Carries a passing fault to the repeating loop."""

    def __init__(self, fault: PassingFault, *, reached: bool) -> None:
        super().__init__(fault.problem)
        self.fault = fault
        self.reached = reached


@cache
def trusted() -> ssl.SSLContext:
    """What httpx trusts by default; reading the certificates takes longer than a request."""
    return httpx.create_ssl_context()


class HttpClient:
    """Requests to one system, under one origin.

    Args:
        system: `customerp` or `exact`, for errors.
        url: root address; paths are appended to it.
        setting: the setting that holds the address (`EXACT_URL`), named in errors.
        auth: adds credentials to every request that does not say `auth=None`.
        headers: sent with every request.
        judge: which answers are passing faults.
        gate: asked before and told after every request; None sends at once.
        patience: how often and how long to try again.
        timeout: seconds to wait for an answer (connecting: at most ten).
        sleep: waits the given seconds; replaced in tests.

    Attributes:
        answer_seconds: how long an answer is waited for.

    Raises:
        ConfigurationError: the address is not an http(s) address.
    """

    def __init__(
        self,
        system: str,
        url: str,
        setting: str,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
        gate: Gate | None = None,
        patience: Patience | None = None,
        timeout: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system = system
        self.setting = setting
        self.answer_seconds = timeout
        self.root = _root(url, setting)
        self._judge = judge or passing_fault
        self._gate = gate
        self._patience = patience or Patience()
        self._sleep = sleep
        self._calls = 0
        self._counting = threading.Lock()
        self._client = httpx.Client(
            auth=auth,
            headers=dict(headers or {}),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # A redirect could carry credentials to another host, and no documented call answers with one.
            follow_redirects=False,
            # Of every answer, also of one that only leads to a request with another token.
            event_hooks={"request": [self._count], "response": [] if gate is None else [gate.after]},
            verify=trusted(),
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._calls

    def authenticate(self, auth: httpx.Auth) -> None:
        """Add credentials from now on: for those that are themselves fetched by this client."""
        self._client.auth = auth

    def send(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        effect: Effect,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        authenticated: bool = True,
    ) -> httpx.Response:
        """Send a request and return its answer, whatever its status, unless that is a passing fault or a redirect.

        Args:
            method: HTTP verb.
            path: what follows the root address, with its query; or an absolute address of the same origin.
            doing: what is attempted and on which record, for errors: `reading exact.accounts`.
            effect: what carrying out the request twice would do.
            json: body, sent as JSON.
            form: body, sent as a form.
            headers: added to those of the client.
            authenticated: whether the client's credentials are added.

        Raises:
            SystemUnavailable: it stayed a passing fault; `outcome_unknown` when a write may have been carried out.
            UnexpectedAnswer: the answer redirects, or the address is of another origin.
        """
        url = self.address(path, doing)
        if effect is Effect.NONE:
            # What a cache on the way kept may be from before our own writes.
            headers = {"Cache-Control": "no-cache", **(headers or {})}
        reached = False
        try:
            for attempt in self._retrying(effect):
                with attempt:
                    try:
                        request = self._client.build_request(method, url, json=json, data=form, headers=headers)
                        return self._once(request, doing, authenticated=authenticated)
                    except _Again as again:
                        reached = reached or again.reached
                        raise
        except _Again as again:
            fault = again.fault
            raise SystemUnavailable(
                self.system,
                f"{doing}: {fault.problem}; if this lasts, look at {self.setting} ({self.root}) and at the network",
                status=fault.status,
                outcome_unknown=reached and effect is not Effect.NONE,
                retry_after=fault.wait,
            ) from again.__cause__
        except SystemUnavailable as error:
            # Raised by the gate or the credentials after an earlier attempt that may have been carried out.
            error.outcome_unknown = reached and effect is not Effect.NONE
            raise
        raise AssertionError("tenacity ends by an answer or an exception")  # pragma: no cover

    def address(self, path: str, doing: str) -> httpx.URL:
        """The full address of a path; an absolute address is checked to be of the configured origin.

        Raises:
            UnexpectedAnswer: the address is of another origin, where credentials must not go.
        """
        if not path.startswith(("http://", "https://")):
            return httpx.URL(f"{self.root}{path}")
        url, root = httpx.URL(path), httpx.URL(self.root)
        if (url.scheme, url.host, url.port) != (root.scheme, root.host, root.port):
            raise UnexpectedAnswer(
                self.system,
                f"{doing}: the answer points to another host ({url.scheme}://{url.netloc.decode()}), where credentials "
                f"are not sent; look whether {self.setting} is {self.system}'s own address",
            )
        return url

    def decode(self, response: httpx.Response, doing: str) -> Any:
        """The JSON of an answer.

        Raises:
            UnexpectedAnswer: the answer is not JSON.
        """
        try:
            return loads(whole_characters(response.content))
        except ValueError:
            kind = response.headers.get("Content-Type", "no content type")
            raise UnexpectedAnswer(
                self.system,
                f"{doing}: expected JSON, got {kind} with status {response.status_code}; look whether {self.setting} "
                f"({self.root}) is {self.system}'s address",
                status=response.status_code,
            ) from None

    def close(self) -> None:
        """Release connections."""
        self._client.close()

    def _once(self, request: httpx.Request, doing: str, *, authenticated: bool) -> httpx.Response:
        if self._gate is not None:
            self._gate.before(request.url)
        try:
            response = self._client.send(request, auth=httpx.USE_CLIENT_DEFAULT if authenticated else None)
        except _NOT_SENT as error:
            problem = f"nothing answers at {self.root} ({_reason(error)})"
            raise _Again(PassingFault(problem, refused=True), reached=False) from error
        except httpx.TimeoutException as error:
            raise _Again(PassingFault("no answer in time"), reached=True) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Again(PassingFault(f"the connection was cut ({_reason(error)})"), reached=True) from error
        if response.is_redirect:
            raise UnexpectedAnswer(
                self.system,
                f"{doing}: {self.root} answers with a redirect to {_origin(response)}; correct {self.setting}",
                status=response.status_code,
            )
        fault = self._judge(response)
        if fault is not None:
            raise _Again(fault, reached=not fault.refused)
        return response

    def _retrying(self, effect: Effect) -> Retrying:
        patience = self._patience
        growing = wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait) + wait_random(
            0, patience.first_wait
        )

        def may_repeat(error: BaseException) -> bool:
            if not isinstance(error, _Again):
                return False
            if error.fault.wait is not None and error.fault.wait > patience.longest_wait:
                return False
            return effect is not Effect.ONCE or not error.reached

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.fault.wait if isinstance(error, _Again) else None
            seconds = max(asked or 0.0, growing(state))
            if seconds >= _TOLD_WAIT:
                logger.info("%s: %s; trying again in %.0f s", self.system, error, seconds)
            return seconds

        return Retrying(
            stop=stop_after_attempt(patience.attempts),
            wait=pause,
            retry=retry_if_exception(may_repeat),
            sleep=self._sleep,
            reraise=True,
        )

    def _count(self, _request: httpx.Request) -> None:
        with self._counting:
            self._calls += 1


def passing_fault(response: httpx.Response) -> PassingFault | None:
    """The usual reading of HTTP: 429 was refused; 408 and 5xx may have been carried out."""
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return PassingFault("too many requests (429)", wait=wait, refused=True, status=status)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PassingFault(f"it answered {status} {response.reason_phrase}".rstrip(), wait=wait, status=status)
    return None


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header; None without one, or when it is a date."""
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None


def _root(url: str, setting: str) -> str:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{setting}: {error}; write an address such as https://example.com") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 0) > _LAST_PORT:
        raise ConfigurationError(f"{setting}: not an http(s) address; write it with https:// in front")
    if parsed.userinfo:
        raise ConfigurationError(f"{setting}: leave user and password out of the address")
    return str(parsed.copy_with(query=None, fragment=None)).rstrip("/")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _origin(response: httpx.Response) -> str:
    target = response.request.url.join(response.headers["Location"])
    return f"{target.scheme}://{target.netloc.decode()}"
