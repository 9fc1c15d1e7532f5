"""A small tenant of Exact Online on loopback, with the manners that are awkward to provoke elsewhere."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.exact.failed_calls import ErrorBudget, FailedCalls
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.system import ExactSystem
from talk_assets.systems.exact.token_calls import Credentials
from talk_assets.systems.tokens import StoredToken
from talk_assets_tests.systems.loopback import Answer, Asked, Loopback, loopback

DIVISION = 123456
SECRET = "the-client-secret"
SEED = "first-refresh-token"
WANTED: dict[str, list[str]] = {
    "exact.accounts": ["Code", "Name", "Country"],
    "exact.contacts": ["Account", "BirthDate", "LastName"],
    "exact.employees": ["EmployeeHID", "LastName"],
    "exact.items": ["Code", "StandardSalesPrice"],
    "exact.quotations": ["Description", "OrderAccount", "QuotationDate"],
    "exact.quotation_lines": ["Description", "Discount", "Item", "Quantity"],
    "exact.salesorders": ["Description", "OrderedBy"],
    "exact.salesorder_lines": ["DeliveryDate", "Item"],
}

_KEYS = re.compile(r"(\w+) (eq|ne) guid'([^']*)'")


def key(number: int) -> str:
    """A readable GUID."""
    return f"00000000-0000-0000-0000-{number:012d}"


def printed(wall_clock: str) -> str:
    """As Exact prints a wall-clock time, given as `2025-01-31T12:00:00`."""
    return f"/Date({int(datetime.fromisoformat(wall_clock).replace(tzinfo=UTC).timestamp() * 1000)})/"


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = datetime(2025, 1, 15, 10, 0, 0, tzinfo=UTC)
        self.naps: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += timedelta(seconds=seconds)


class Store:
    """A token store in memory, with a lock that really excludes."""

    def __init__(self) -> None:
        self.token: StoredToken | None = None
        self.saves = 0
        self._lock = threading.Lock()

    def load(self, system: str) -> StoredToken | None:
        return self.token

    def seeds(self, system: str) -> tuple[str, ...]:
        return () if self.token is None else self.token.seeds

    def save(self, system: str, token: StoredToken) -> None:
        assert self._lock.locked()
        self.token = token
        self.saves += 1

    @contextmanager
    def locked(self, system: str) -> Iterator[None]:
        with self._lock:
            yield


@dataclass
class Tenant:
    """Answers as Exact does; `script` answers first, and gives None for what it leaves to the tenant."""

    clock: Clock
    url: str = ""
    page: int = 1000
    sets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    script: Callable[[Asked], Answer | None] = lambda _asked: None
    issued: datetime | None = None
    refresh_token: str = SEED
    access_token: str = ""
    secret: str = SECRET
    refreshes: int = 0
    timestamps_as_text: bool = False

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        scripted = self.script(asked)
        if scripted is not None:
            return scripted
        if asked.path == "/api/oauth2/token":
            return self._token(asked.form)
        if asked.headers.get("Authorization") != f"Bearer {self.access_token}" or self._expired():
            return error(401, "Authentication Required")
        if asked.path == "/api/v1/current/Me":
            return Answer(200, {"d": {"results": [{"CurrentDivision": DIVISION}]}})
        return self._rows(asked)

    def resources(self) -> list[Asked]:
        """What was asked, token calls left out."""
        return [asked for asked in self.asked if asked.path != "/api/oauth2/token"]

    def _expired(self) -> bool:
        return self.issued is None or self.clock.now() >= self.issued + timedelta(seconds=600)

    def _token(self, form: dict[str, str]) -> Answer:
        if form["client_secret"] != self.secret:
            return Answer(400, {"error": "invalid_client", "error_description": f"wrong {form['client_secret']}"})
        if form["refresh_token"] != self.refresh_token:
            return Answer(400, {"error": "invalid_grant", "error_description": "Token is not allowed"})
        if self.issued is not None and self.clock.now() < self.issued + timedelta(seconds=570):
            said = {"error": "access_denied", "error_description": "Rate limit exceeded: access_token not expired"}
            return Answer(400, said, {"Reason": "TooEarlyToRefreshTokens: wait"})
        self.refreshes += 1
        self.issued = self.clock.now()
        self.access_token, self.refresh_token = f"access-{self.refreshes}", f"refresh-{self.refreshes}"
        body = {"access_token": self.access_token, "token_type": "bearer", "expires_in": "600"}
        return Answer(200, {**body, "refresh_token": self.refresh_token})

    def _rows(self, asked: Asked) -> Answer:
        name = asked.path.removeprefix(f"/api/v1/{DIVISION}/")
        since = (
            int(asked.query.get("$filter", "Timestamp gt 0L").rsplit(" ", 1)[1].rstrip("L")) if "sync" in name else 0
        )
        rows = [row for row in self.sets.get(name, []) if int(row.get("Timestamp", 1)) > since]
        keys = _KEYS.findall(asked.query.get("$filter", ""))
        if keys:
            rows = [row for row in rows if any((row.get(n) == value) is (how == "eq") for n, how, value in keys)]
        start = int(asked.query.get("$skiptoken", "0"))
        shown = [self._row(row, asked.query["$select"].split(",")) for row in rows[start : start + self.page]]
        if "$top" in asked.query:
            return Answer(200, {"d": shown[: int(asked.query["$top"])]})
        body: dict[str, Any] = {"results": shown}
        if len(shown) == self.page:
            options = "&".join(
                f"{option}={quote(value)}" for option, value in asked.query.items() if "skip" not in option
            )
            body["__next"] = f"{self.url}{asked.path}?{options}&$skiptoken={start + self.page}"
        return Answer(200, {"d": body})

    def _row(self, row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        shown = {name: row.get(name) for name in names}
        if self.timestamps_as_text and "Timestamp" in shown:
            shown["Timestamp"] = str(shown["Timestamp"])
        return shown


def error(status: int, text: str, **headers: str) -> Answer:
    """An error body of Exact."""
    return Answer(status, {"error": {"code": "", "message": {"lang": "", "value": text}}}, headers)


@contextmanager
def served(tenant: Tenant) -> Iterator[Loopback]:
    """Serve a tenant on loopback."""
    with loopback(tenant.answer) as server:
        tenant.url = server.url
        yield server


def connect(
    url: str,
    clock: Clock,
    store: Store,
    capabilities: Capabilities,
    *,
    seed: str | None = SEED,
    secret: str = SECRET,
    wanted: Mapping[str, Sequence[str]] = WANTED,
    failed: FailedCalls | None = None,
) -> ExactSystem:
    """A connector to a tenant, on the tenant's clock."""
    credentials = Credentials("the-client-id", SecretStr(secret), None if seed is None else SecretStr(seed))
    return ExactSystem(
        url,
        DIVISION,
        credentials,
        store,
        capabilities,
        wanted,
        governor=None if failed is None else Governor(clock.now, errors=ErrorBudget(failed, clock.now)),
        now=clock.now,
        sleep=clock.sleep,
        timeout=5.0,
    )


def writes(tenant: Tenant) -> list[Asked]:
    return [asked for asked in tenant.resources() if asked.method in ("POST", "PUT")]


def say(tenant: Tenant, *answers: Answer) -> None:
    """Let writes be answered so, the last answer again and again."""
    left = list(answers)

    def script(asked: Asked) -> Answer | None:
        if asked.method == "GET" or "oauth2" in asked.path:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    tenant.script = script
