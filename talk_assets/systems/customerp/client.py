"""Requests to Customerp: where they go, what every one of them carries, and what the answers mean."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlencode

import httpx

from talk_assets.errors import (
    AccessDenied,
    RecordChanged,
    RecordGone,
    RecordRejected,
    SystemFault,
    SystemUnavailable,
    UnexpectedAnswer,
)
from talk_assets.systems.customerp.authentication import SETTING, authentication, hidden_forms
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.json_exact import decode, encode, get
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.sections import ClientCredentials, Problem
from talk_assets.systems.http import ANSWER_SECONDS, HttpClient, trusted
from talk_assets.systems.repeats import Effect, Patience

_SHOWN = 300  # characters of an answer's own words that an error repeats


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        status: HTTP status.
        body: the JSON it holds; None when it is empty.
        headers: its headers.
        links: the addresses of its Link header, by relation.
        url: the address that answered.
    """

    status: int
    body: Any
    headers: httpx.Headers
    links: Mapping[str, str]
    url: httpx.URL


class ExactNumbers(HttpClient):
    """The shared client, sending numbers in JSON digit by digit.

    Its own encoder writes a decimal number only by way of a binary one.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(SYSTEM, url, "CUSTOMERP_URL", **options)
        usual = self._client
        self._client = _ExactNumbersClient(
            auth=usual.auth,
            headers=usual.headers,
            timeout=usual.timeout,
            event_hooks=usual.event_hooks,
            verify=trusted(),
        )
        usual.close()


class _ExactNumbersClient(httpx.Client):
    def build_request(self, *args: Any, json: Any = None, headers: Any = None, **options: Any) -> httpx.Request:
        if json is not None:
            headers = {"Content-Type": "application/json", **(headers or {})}
            options["content"] = encode(json)
        return super().build_request(*args, headers=headers, **options)


class CustomerpClient:
    """Sends requests and returns successful answers; every other answer becomes an error.

    Args:
        url: CUSTOMERP_URL.
        secret: CUSTOMERP_TOKEN.
        profile: the connector profile.
        patience: how often and how long to try again.
        timeout: seconds to wait for an answer.
        sleep: waits the given seconds.

    Raises:
        ConfigurationError: the address or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        profile: Profile,
        *,
        patience: Patience | None = None,
        timeout: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._profile = profile
        self._hidden = hidden_forms(secret)
        headers = {"Accept": "application/json", **profile.headers}
        self._http = ExactNumbers(url, headers=headers, patience=patience, timeout=timeout, sleep=sleep)
        self._token_http = self._token_client(patience, sleep)
        self._http.authenticate(authentication(profile.authentication, secret, self._token_http))

    @property
    def answer_seconds(self) -> float:
        """How long an answer is waited for."""
        return self._http.answer_seconds

    @property
    def calls(self) -> int:
        """Requests sent so far, repeats and token requests included."""
        return self._http.calls + (self._token_http.calls if self._token_http else 0)

    @property
    def requests(self) -> int:
        """What was asked so far: each request once."""
        return self._http.requests

    @property
    def hides_missing(self) -> bool:
        """Whether a record that is not there is answered like one that may not be seen."""
        return HTTPStatus.FORBIDDEN in self._profile.statuses.missing

    def close(self) -> None:
        """Release connections."""
        self._http.close()
        if self._token_http is not None:
            self._token_http.close()

    def get(self, path: str, query: Mapping[str, str], doing: str, *, one: bool = False) -> Answer:
        """Read a list, or one record.

        Args:
            path: path with its base path, or the address of a next page.
            query: added to the path.
            doing: what is attempted, for errors.
            one: the path names a record, which may be gone.

        Raises:
            AccessDenied: the token or its rights do not suffice.
            RecordGone: there is no such record.
            SystemUnavailable: it stayed a passing fault.
            UnexpectedAnswer: anything else.
        """
        response = self._http.send("GET", self._address(path, query), doing=doing, effect=Effect.NONE)
        if response.status_code not in self._profile.statuses.read:
            raise self._fault(response, doing, one=one)
        return self._answer(response, doing)

    def write(
        self,
        method: str,
        path: str,
        body: Any,
        doing: str,
        *,
        allowed: list[int],
        names: Callable[[str], str | None],
        headers: Mapping[str, str] | None = None,
        one: bool = True,
        repeatable: bool = False,
    ) -> Answer:
        """Write; no answer in time, or a success that cannot be read, leaves the outcome unknown.

        Args:
            method: HTTP verb.
            path: path with its base path.
            body: sent as JSON; None sends none.
            doing: what is attempted on which record, for errors.
            allowed: statuses of success.
            names: gives the contract's name of a property that a refusal names.
            headers: added to the request.
            one: the path names a record, which may be gone.
            repeatable: the server carries out the same request only once, however often it is sent.

        Raises:
            AccessDenied: the token or its rights do not suffice.
            RecordGone: the record is gone.
            RecordChanged: it is not in the version that was named.
            RecordRejected: the record is refused.
            SystemUnavailable: a passing fault; `outcome_unknown` when it may have been carried out.
            UnexpectedAnswer: anything else.
        """
        sent = dict(headers or {})
        if self._profile.prefer_representation:
            sent["Prefer"] = "return=representation"
        effect = Effect.REPEATABLE if repeatable else Effect.ONCE
        response = self._http.send(method, self._address(path, {}), doing=doing, effect=effect, json=body, headers=sent)
        if response.status_code not in allowed:
            raise self._fault(response, doing, one=one, names=names)
        try:
            return self._answer(response, doing)
        except UnexpectedAnswer as error:
            raise SystemUnavailable(SYSTEM, str(error), status=response.status_code, outcome_unknown=True) from None

    def _token_client(self, patience: Patience | None, sleep: Callable[[float], None]) -> HttpClient | None:
        settings = self._profile.authentication
        if not isinstance(settings, ClientCredentials):
            return None
        url = settings.token_url if "://" in settings.token_url else f"{self._http.root}{settings.token_url}"
        place = f"authentication.token_url of {self._profile.source}"
        return HttpClient(SYSTEM, url, place, patience=patience, sleep=sleep)

    def _address(self, path: str, query: Mapping[str, str]) -> str:
        if "://" in path:
            return path
        added = urlencode({**self._profile.query, **query})
        return f"{path}{'&' if '?' in path else '?'}{added}" if added else path

    def _answer(self, response: httpx.Response, doing: str) -> Answer:
        body = None
        if response.content.strip():
            try:
                body = decode(response.content)
            except ValueError:
                kind = response.headers.get("Content-Type", "no content type")
                raise UnexpectedAnswer(
                    SYSTEM,
                    f"{doing}: expected JSON, got {kind}; {self._look()}",
                    status=response.status_code,
                ) from None
        links = {relation: link["url"] for relation, link in response.links.items() if relation and "url" in link}
        return Answer(response.status_code, body, response.headers, links, response.url)

    def _fault(
        self, response: httpx.Response, doing: str, *, one: bool, names: Callable[[str], str | None] | None = None
    ) -> SystemFault:
        """The error of an answer that is no success; `names` is None for readings."""
        status, statuses = response.status_code, self._profile.statuses
        said, told = self._said(response)
        seen = f"{doing}: Customerp answered {status}{f' ({said})' if said else ''}"
        if status == HTTPStatus.UNAUTHORIZED:
            return AccessDenied(SYSTEM, f"{seen}; correct {SETTING}", status=status)
        if status == HTTPStatus.FORBIDDEN:
            return AccessDenied(SYSTEM, f"{seen}; give the owner of {SETTING} the right to do this", status=status)
        if one and status in statuses.missing:
            return RecordGone(SYSTEM, f"{seen}: there is no such record or no more", status=status)
        if names is not None and status in statuses.changed:
            return RecordChanged(SYSTEM, f"{seen}: it has changed since it was read", status=status)
        if names is not None and status in statuses.rejected:
            name = next((found for found in map(names, told) if found), told[0] if told else None)
            return RecordRejected(
                SYSTEM, f"{seen}; correct the record, or what it is made from", status=status, property_name=name
            )
        return UnexpectedAnswer(SYSTEM, f"{seen}; {self._look()}", status=status)

    def _said(self, response: httpx.Response) -> tuple[str, list[str]]:
        """An answer's own words without the secret, and the properties that it names."""
        try:
            body = decode(response.content)
        except ValueError:
            return "", []
        problem = self._profile.problem
        parts, told = [get(body, problem.message)], []
        for name, detail in _errors(get(body, problem.errors), problem):
            told.append(name)
            parts.append(f"{name}: {detail}" if detail else name)
        said = "; ".join(part for part in parts if isinstance(part, str) and part)
        sent = response.request.headers.get("Authorization", "").rpartition(" ")[2]
        for secret in filter(None, (*self._hidden, sent)):
            said = said.replace(secret, "(secret)")
        return (said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."), told

    def _look(self) -> str:
        return f"look whether CUSTOMERP_URL ({self._http.root}) and the paths in {self._profile.source} are right"


def _errors(errors: Any, problem: Problem) -> list[tuple[str, str]]:
    """Property and text of each error: a list of objects, or one object with a text or texts for each property."""
    if isinstance(errors, dict):
        return [
            (name, "; ".join(map(str, text)) if isinstance(text, list) else str(text)) for name, text in errors.items()
        ]
    found = (
        [(get(error, problem.property), get(error, problem.detail)) for error in errors]
        if isinstance(errors, list)
        else []
    )
    return [(name, detail if isinstance(detail, str) else "") for name, detail in found if isinstance(name, str)]


def location_key(answer: Answer) -> str | None:
    """The last part of an answer's Location, which is the key of a record that was created."""
    path = answer.headers.get("Location", "").partition("?")[0].rstrip("/")
    return unquote(path.rpartition("/")[2]) or None
