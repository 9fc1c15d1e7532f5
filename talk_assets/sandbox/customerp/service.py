"""The published contract over HTTP."""

import re
import secrets
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.customerp.entities import ENTITIES, Entity
from talk_assets.sandbox.customerp.idempotency import Idempotency
from talk_assets.sandbox.customerp.problems import Problem, bad_request
from talk_assets.sandbox.customerp.state import CustomerpState, Page, Values
from talk_assets.sandbox.customerp.wire import decode_object, encode, json_response, problem_response
from talk_assets.sandbox.faults.model import Fault
from talk_assets.sandbox.faults.orders import Faults, carried_out
from talk_assets.sandbox.store import Store

_NUMBER = re.compile(r"[0-9]{1,9}")
COLLECTIONS = {entity.collection: entity for entity in ENTITIES.values()}


class Service:
    """Answers everything of the contract.

    Args:
        store: where the records are.
        config: how the server behaves.
        faults: the faults on order.
        calls: counts the calls per method and path, keys left out.
    """

    def __init__(self, store: Store, config: CustomerpConfig, faults: Faults, calls: Counter[str]) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._calls = calls
        self._state = CustomerpState(store)
        self._idempotency = Idempotency(store)

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        collection, _, key = _path(request).strip("/").partition("/")
        self._calls[f"{request.method} /{collection}{'/{id}' if key else ''}"] += 1
        content = await request.body()
        try:
            self._check_token(request)
            fault = self._strike(request, collection, key, content)
            if fault is None:
                return self._answer(request, collection, key, content)
            if fault.effect == "edited_meanwhile" and collection in COLLECTIONS and key:
                self._state.change(COLLECTIONS[collection], key, fault.values)
            answer = await carried_out(fault, lambda: self._answer(request, collection, key, content))
            if fault.effect != "answer" or fault.status is None:
                return self._faults.changed(fault, request, answer or Response())
            return _faulty(fault, fault.status)
        except Problem as problem:
            return problem_response(problem)

    def _check_token(self, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secrets.compare_digest(token.encode(), self._config.token.encode()):
            raise Problem(401, "The bearer token is missing or not known.", headers={"WWW-Authenticate": "Bearer"})

    def _strike(self, request: Request, collection: str, key: str, content: bytes) -> Fault | None:
        if not self._faults.ordered:
            return None
        properties: Values = {}
        entity = COLLECTIONS.get(collection)
        if entity is not None and key and self._state.has(entity, key):
            properties |= self._state.get(entity, key)
        if content:
            properties |= decode_object(content)
        return self._faults.strike(request.method, _path(request), properties)

    def _answer(self, request: Request, collection: str, key: str, content: bytes) -> Response:
        method = request.method
        if not collection:
            _only(method, "GET")
            return json_response({"name": "Customerp", "contract": "1"})
        if collection == "deletions" and not key:
            _only(method, "GET")
            return self._page(request, self._state.deletions)
        entity = COLLECTIONS.get(collection)
        if entity is None or "/" in key:
            raise Problem(404, f"There is no path {_path(request)}.")
        if not key:
            _only(method, "GET", "POST")
            if method == "POST":
                return self._create(request, entity, content)
            return self._page(request, lambda since, limit: self._state.changes(entity, since, limit))
        _only(method, "GET", "PATCH", "DELETE")
        return self._one(request, entity, key, content)

    def _page(self, request: Request, read: Callable[[str | None, int], Page]) -> Response:
        unknown = set(request.query_params) - {"since", "limit"}
        if unknown:
            raise bad_request(f"{', '.join(sorted(unknown))}: not a query parameter of this path.")
        limit = request.query_params.get("limit", str(self._config.page_size))
        if _NUMBER.fullmatch(limit) is None or not 1 <= int(limit) <= self._config.largest_page:
            raise bad_request(f"limit: must be a number from 1 to {self._config.largest_page}.")
        page = read(request.query_params.get("since"), min(int(limit), self._config.full_page))
        return json_response({"items": page.items, "next": page.next, "token": page.token})

    def _create(self, request: Request, entity: Entity, content: bytes) -> Response:
        key = request.headers.get("idempotency-key")
        with self._store.transaction():
            first = None if key is None else self._idempotency.recall(key, entity.collection, content)
            if first is None:
                first = encode(self._state.create(entity, decode_object(content)))
                if key is not None:
                    self._idempotency.remember(key, entity.collection, content, first)
        record = decode_object(first)
        return _record(record, 201, {"Location": f"/{entity.collection}/{record['Id']}"})

    def _one(self, request: Request, entity: Entity, key: str, content: bytes) -> Response:
        if request.method == "GET":
            return _record(self._state.get(entity, key))
        if_match = request.headers.get("if-match")
        if request.method == "DELETE":
            self._state.remove(entity, key, if_match=if_match)
            return Response(status_code=204)
        given = decode_object(content)
        if not given:
            raise Problem(422, f"The {entity.name} was not saved: the body names no property.")
        return _record(self._state.change(entity, key, given, if_match=if_match))


def _path(request: Request) -> str:
    # The address's own path is without the line breaks and tabs that a key can hold.
    return str(request.scope["path"])


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Problem(405, f"{method} is not possible here.", headers={"Allow": ", ".join(allowed)})


def _record(record: Values, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(record, status, {"ETag": f'"{record["Version"]}"', **(headers or {})})


def _faulty(fault: Fault, status: int) -> Response:
    if fault.body is not None:
        return json_response(fault.body, status, fault.headers)
    return problem_response(Problem(status, fault.message, headers=fault.headers))
