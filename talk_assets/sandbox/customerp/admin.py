"""`/_admin`: edits as people make them in Customerp's own screens, faults on order, and the count of calls.

For tests and demonstrations; not part of the contract, asks for no token, and exists only when configured. The
addresses answer in the same shapes as those of the sandbox's Exact Online.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_assets.sandbox.customerp.entities import ENTITIES, Entity
from talk_assets.sandbox.customerp.problems import Problem, bad_request
from talk_assets.sandbox.customerp.state import DIVISION, SYSTEM, CustomerpState, Values
from talk_assets.sandbox.customerp.wire import decode_object, json_response
from talk_assets.sandbox.faults.names import WrongOrder
from talk_assets.sandbox.faults.orders import Faults
from talk_assets.sandbox.store import Store

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A record's values, and what stands beside them in the body, which no property of Customerp is called."""

    values: Values
    key: str | None
    modified: datetime | None
    checked: bool


class Admin:
    """Answers the admin addresses; refusals come as `{"error": "..."}`, with `errors` per property where there are."""

    def __init__(self, store: Store, faults: Faults, calls: Counter[str]) -> None:
        self._store = store
        self._faults = faults
        self._calls = calls
        self._state = CustomerpState(store)

    def routes(self) -> list[Route]:
        """The admin routes; an entity is named as in the contract's paths (`customers`) or in the singular."""
        return [
            Route("/_admin/faults", _guarded(self.faults), methods=["GET", "POST", "DELETE"]),
            Route("/_admin/calls", _guarded(self.calls), methods=["GET", "DELETE"]),
            Route("/_admin/{entity}", _guarded(self.records), methods=["GET", "POST"]),
            Route("/_admin/{entity}/{key}", _guarded(self.record), methods=["GET", "PUT", "DELETE"]),
        ]

    async def faults(self, request: Request) -> Response:
        """List, order or take away faults."""
        if request.method == "POST":
            try:
                fault = self._faults.order(decode_object(await request.body()))
            except WrongOrder as wrong:
                raise bad_request(str(wrong)) from None
            return json_response(fault.model_dump(), 201)
        if request.method == "DELETE":
            self._faults.ordered.clear()
        return json_response([fault.model_dump() for fault in self._faults.ordered])

    async def calls(self, request: Request) -> Response:
        """The calls since the start or the last DELETE, per method and path."""
        if request.method == "DELETE":
            self._calls.clear()
        return json_response({"total": self._calls.total(), "calls": dict(sorted(self._calls.items()))})

    async def records(self, request: Request) -> Response:
        """List an entity's records, or create one."""
        entity = _entity(request)
        if request.method == "GET":
            kept = self._store.list(SYSTEM, DIVISION, entity.name)
            return json_response({"items": [self._shown(entity, record.key) for record in kept]})
        wish = _wish(await request.body())
        created = self._state.create(entity, wish.values, key=wish.key, checked=wish.checked, modified=wish.modified)
        return json_response(self._shown(entity, created["Id"]), 201)

    async def record(self, request: Request) -> Response:
        """Show, edit or remove one record; an edit changes the named properties only, an empty one touches it."""
        entity, key = _entity(request), str(request.path_params["key"])
        if request.method == "DELETE":
            self._state.remove(entity, key)
            return Response(status_code=204)
        if request.method == "PUT":
            wish = _wish(await request.body())
            self._state.change(entity, key, wish.values, checked=wish.checked, modified=wish.modified)
        return json_response(self._shown(entity, key))

    def _shown(self, entity: Entity, key: str) -> Values:
        stored = self._state.stored(entity, key)
        return {
            "key": key,
            "sequence": stored.sequence,
            "created": stored.created,
            "modified": stored.modified,
            "values": self._state.get(entity, key),
        }


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            errors = [{"property": name, "detail": detail} for name, detail in problem.errors]
            return json_response({"error": problem.detail, "errors": errors}, problem.status)

    return guarded


def _entity(request: Request) -> Entity:
    name = str(request.path_params["entity"])
    for entity in ENTITIES.values():
        if name in (entity.name, entity.collection):
            return entity
    raise Problem(404, f"There is no entity {name}; there are {', '.join(ENTITIES)}.")


def _wish(content: bytes) -> _Wish:
    values = decode_object(content)
    key, modified, checked = values.pop("key", None), values.pop("modified", None), values.pop("checked", True)
    if not isinstance(checked, bool):
        raise bad_request(f"checked: {checked!r} is neither true nor false")
    if not isinstance(key, str | None):
        raise bad_request(f"key: {key!r} is not text")
    return _Wish(values, key, None if modified is None else _moment(modified), checked)


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise bad_request(f"modified: {text!r} is not an ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise bad_request(f"modified: {text!r} has no zone")
    return moment
