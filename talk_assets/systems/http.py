"""HTTP as both connectors use it: one client with bounded, growing repeats that never repeats a write blindly.

A connector says of every request what sending it twice would do (`Effect`) and judges which answers are passing faults
(`Judge`); this module has repeated what may be repeated (`repeats`) and turns what stays broken into
`SystemUnavailable`. Statuses that are the system's own business (400, 403, 404, 409, 422, ...) are returned for the
connector to map.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from json import loads
from typing import Any, Protocol

import httpx

from talk_assets.errors import ConfigurationError, SystemUnavailable, TalkError, UnexpectedAnswer
from talk_assets.systems.json_text import whole_characters
from talk_assets.systems.repeats import Again, Effect, PassingFault, Patience, Repeats

# Seconds that an answer is waited for, unless told otherwise.
ANSWER_SECONDS = 60.0
# Faults that arise before a request has left: whatever it was, it was not carried out.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_LAST_PORT = 65535
_ANSWERED = "talk_assets.answered"


class Judge(Protocol):
    """Says of an answer whether it is a passing fault."""

    def __call__(self, response: httpx.Response) -> PassingFault | None:
        """The fault, or None when the answer is to be used as it is."""


class Gate(Protocol):
    """Where a system's budget of calls is kept."""

    def before(self, url: httpx.URL) -> PassingFault | None:
        """What a call has to wait for, None: nothing; SystemUnavailable when that takes hours."""

    def rested(self, seconds: float) -> None:
        """Learn that requests were held back for so long."""

    def unsent(self, url: httpx.URL) -> None:
        """Take back a call that was let through and never left this machine."""

    def after(self, response: httpx.Response) -> None:
        """Learn from an answer what is left."""


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
        self.root = root_of(url, setting)
        self._judge = judge or passing_fault
        self._gate = gate
        self._sleep = sleep
        self._repeats = Repeats(system, patience or Patience(), self._rest)
        self._calls = self._requests = 0
        self._counting = threading.Lock()
        self._client = httpx.Client(
            auth=auth,
            headers=dict(headers or {}),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # A redirect could carry credentials to another host, and no documented call answers with one.
            follow_redirects=False,
            # Of every answer, also of one that only leads to a request with another token.
            event_hooks={"request": [self._count], "response": [self._answered]},
            verify=trusted(),
        )

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats included."""
        return self._calls

    @property
    def requests(self) -> int:
        """What was asked so far and answered: each request once, those without credentials (for tokens) left out."""
        return self._requests

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
            SystemUnavailable: it stayed a passing fault; `outcome_unknown` when a write may have been carried out,
                `postponed` when it has to wait too long to be sent unseen.
            UnexpectedAnswer: the answer redirects, or the address is of another origin.
        """
        url = self.address(path, doing)
        if effect is Effect.NONE:
            # What a cache on the way kept may be from before our own writes.
            headers = {"Cache-Control": "no-cache", **(headers or {})}
        reached = False
        try:
            for attempt in self._repeats.begin(effect):
                with attempt:
                    try:
                        request = self._client.build_request(method, url, json=json, data=form, headers=headers)
                        return self._once(request, doing, authenticated=authenticated)
                    except Again as again:
                        reached = reached or again.reached
                        raise
        except Again as again:
            raise self._gave_up(again.fault, doing, effect, reached=reached) from again.__cause__
        except SystemUnavailable as error:
            # Raised by the gate or the credentials after an earlier attempt that may have been carried out.
            error.outcome_unknown = reached and effect is not Effect.NONE
            raise
        raise AssertionError("tenacity ends by an answer or an exception")  # pragma: no cover

    def address(self, path: str, doing: str) -> httpx.URL:
        """The full address of a path; whatever it says, it is checked to be of the configured origin.

        A next page's address comes from an answer: one such as `.example.org` or `@example.org`, put after the root
        address, would name another host as well as an absolute one does.

        Raises:
            UnexpectedAnswer: the address is of another origin, where credentials must not go.
        """
        absolute = path.lower().startswith(("http://", "https://"))
        try:
            url = httpx.URL(path if absolute else f"{self.root}{path}")
        except httpx.InvalidURL:
            raise UnexpectedAnswer(
                self.system,
                f"{doing}: the answer points to what is no address; look whether {self.setting} is {self.system}'s own "
                "address",
            ) from None
        root = httpx.URL(self.root)
        if (url.scheme, url.host, url.port) != (root.scheme, root.host, root.port) or url.userinfo:
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
        hindrance = self._gate.before(request.url) if self._gate is not None else None
        if hindrance is not None:
            raise Again(hindrance, reached=False)
        try:
            response = self._client.send(request, auth=httpx.USE_CLIENT_DEFAULT if authenticated else None)
        except _NOT_SENT as error:
            self._unsent(request)
            problem = f"nothing answers at {self.root} ({_reason(error)})"
            raise Again(PassingFault(problem, refused=True), reached=False) from error
        except httpx.TimeoutException as error:
            raise Again(PassingFault("no answer in time"), reached=True) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Again(PassingFault(f"the connection was cut ({_reason(error)})"), reached=True) from error
        except TalkError:
            # The credentials could not be had.
            self._unsent(request)
            raise
        if response.is_redirect:
            raise UnexpectedAnswer(
                self.system,
                f"{doing}: {self.root} answers with a redirect to {_origin(response)}; correct {self.setting}",
                status=response.status_code,
            )
        fault = self._judge(response)
        if fault is not None:
            raise Again(fault, reached=not fault.refused)
        self._repeats.passed()
        self._requests += authenticated
        return response

    def _gave_up(self, fault: PassingFault, doing: str, effect: Effect, *, reached: bool) -> SystemUnavailable:
        """The error of a request that is not sent again."""
        advice = f"if this lasts, look at {self.setting} ({self.root}) and at the network"
        if fault.limit:
            advice = "what is left waits for a later run; if this lasts, see what else uses up the calls"
        return SystemUnavailable(
            self.system,
            f"{doing}: {fault.problem}; {advice}",
            status=fault.status,
            outcome_unknown=reached and effect is not Effect.NONE,
            retry_after=fault.wait,
            postponed=self._repeats.postpones(fault, effect, reached=reached),
        )

    def _count(self, _request: httpx.Request) -> None:
        with self._counting:
            self._calls += 1

    def _rest(self, seconds: float) -> None:
        self._sleep(seconds)
        if self._gate is not None:
            self._gate.rested(seconds)

    def _answered(self, response: httpx.Response) -> None:
        response.request.extensions[_ANSWERED] = True
        if self._gate is not None:
            self._gate.after(response)

    def _unsent(self, request: httpx.Request) -> None:
        """Take a request back from the budget; not one that was answered once, to be sent with another token."""
        if self._gate is not None and not request.extensions.get(_ANSWERED):
            self._gate.unsent(request.url)


def passing_fault(response: httpx.Response) -> PassingFault | None:
    """The usual reading of HTTP: 429 was refused; 408 and 5xx may have been carried out."""
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return PassingFault("too many requests (429)", wait=wait, refused=True, status=status, limit=True)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PassingFault(f"it answered {status} {response.reason_phrase}".rstrip(), wait=wait, status=status)
    return None


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header; None without one, or when it is a date."""
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None


def root_of(url: str, setting: str) -> str:
    """A root address in one spelling, without a slash at its end.

    Raises:
        ConfigurationError: it is not an http(s) address.
    """
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
