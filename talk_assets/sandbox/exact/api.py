"""The REST API: who may call, what an address means, and the shape of answers."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from talk_assets.sandbox.exact import actions, reading, rules
from talk_assets.sandbox.exact.answer import Answer, created
from talk_assets.sandbox.exact.atom import atom, atom_error
from talk_assets.sandbox.exact.body import read_json, read_object, read_whole
from talk_assets.sandbox.exact.company import Company, read_divisions
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.edmx import edmx
from talk_assets.sandbox.exact.errors import Refused, bad_request, forbidden, not_found
from talk_assets.sandbox.exact.limits import RateLimits
from talk_assets.sandbox.exact.model import (
    ACTIONS,
    DELETED,
    DIVISIONS,
    HRM_DIVISIONS,
    ME,
    SETS,
    SYNC_TIMESTAMP,
    USER_HAS_RIGHTS,
    WEBHOOKS,
    EntitySet,
    Family,
)
from talk_assets.sandbox.exact.oauth import Tokens
from talk_assets.sandbox.exact.render import Renderer, renderer
from talk_assets.sandbox.exact.rights import Access, has_right
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.exact.webhook_calls import write_subscription
from talk_assets.sandbox.exact.webhooks import Webhooks
from talk_assets.sandbox.faults.model import Fault
from talk_assets.sandbox.faults.orders import Faults, carried_out
from talk_assets.sandbox.store import Store

ROOT = "/api/v1/"
_METADATA = "/$metadata"
_ATOM = "application/atom+xml;charset=utf-8"
_KEY = re.compile(r"guid'([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})'")
_DIVISION = re.compile(r"[0-9]{1,10}")
_RESOURCE = re.compile(r"(?P<set>[\w/]+)(?:\((?P<key>[^)]*)\))?(?:/(?P<tail>\$?\w+))?")

# Sets that are kept as records, so that one can be read by its key.
_KEPT = (*SETS, WEBHOOKS.name)
_SETS: dict[str, tuple[EntitySet, Family]] = {}
for _set in SETS.values():
    _SETS[_set.path] = (_set, "ordinary")
    if _set.sync_path is not None:
        _SETS[f"sync/{_set.sync_path}"] = (_set, "sync")
    if _set.bulk_path is not None:
        _SETS[f"bulk/{_set.bulk_path}"] = (_set, "bulk")
for _set in (DIVISIONS, HRM_DIVISIONS, DELETED, SYNC_TIMESTAMP, USER_HAS_RIGHTS, WEBHOOKS, *ACTIONS.values()):
    _SETS[_set.path] = (_set, "ordinary")


@dataclass(frozen=True, slots=True)
class Resource:
    """What an address below a division means.

    Attributes:
        entity_set: the set.
        family: ordinary, bulk or sync.
        path: of the set, as called.
        key: of one record, None for the set.
        tail: what follows: `$count` or a collection's name.
    """

    entity_set: EntitySet
    family: Family
    path: str
    key: str | None
    tail: str | None


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of the server that the API and `/_admin` share.

    Attributes:
        access: what the app and its user may do.
        company: the user and the divisions.
        webhooks: who is told of changes.
    """

    access: Access
    company: Company
    webhooks: Webhooks


class Api:
    """Answers everything under `/api/v1/`.

    Args:
        store: where the records and tokens are.
        config: how the server behaves.
        tokens: what checks access tokens.
        faults: the faults on order.
        calls: counts the calls per method and path, keys left out.
        parts: what other addresses need as well.
    """

    def __init__(
        self,
        store: Store,
        config: ExactConfig,
        tokens: Tokens,
        faults: Faults,
        calls: Counter[str],
        parts: Parts,
    ) -> None:
        self._store = store
        self._config = config
        self._tokens = tokens
        self._faults = faults
        self._calls = calls
        self._access, self._company, self._webhooks = parts.access, parts.company, parts.webhooks
        self._limits = RateLimits(config, store.clock)

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        path = str(request.scope["path"])
        self._calls[f"{request.method} {re.sub(r'[(][^)]*[)]', '(key)', path)}"] += 1
        as_json = _wants_json(request)
        headers: dict[str, str] = {}
        authorization = request.headers.get("authorization")
        division, rest = _division(path)
        try:
            self._tokens.check(authorization)
            self._limits.check_open()
            self._check_division(division, rest)
            if division is not None:
                headers = self._limits.spend(division)
            fault, answer = await self._strike_or_answer(request, division, rest)
        except Refused as refused:
            if division is not None and self._tokens.knows(authorization):
                self._limits.failed(division, path.partition("(")[0], refused.status)
            # A limit that is spent is told with its own headers alone.
            return _error(refused, {} if refused.status == 429 else headers, as_json=as_json)
        if not as_json and not isinstance(answer.content, str | None):
            shown = atom(answer.content, f"{_base(request)}{path}", self._store.clock())
            answer = Answer(answer.status, shown, {"Content-Type": _ATOM, **answer.headers})
        return self._faults.changed(fault, request, _response(answer, headers))

    def _check_division(self, division: int | None, rest: str) -> None:
        if division is None and rest != ME.path:
            raise not_found()
        if division is not None and division not in self._config.divisions and rest != DIVISIONS.path:
            raise forbidden("Forbidden", "NoDivisionAccess")

    async def _strike_or_answer(self, request: Request, division: int | None, rest: str) -> tuple[Fault | None, Answer]:
        _check_length(request, self._config.url_length)
        body = await read_whole(request, self._config.body_bytes)
        if division is not None and rest.endswith(_METADATA):
            return None, _metadata(request.method, rest.removesuffix(_METADATA))
        resource = None if division is None else _resource(rest)
        state = ExactState(self._store, division or self._company.main, timezone=self._config.timezone)
        if division is not None:
            self._company.use(division)
        fault = self._strike(request, state, resource, body)
        if fault is None:
            return None, await self._answer(request, state, resource, body).finished()
        if fault.effect == "edited_meanwhile" and resource is not None and _is_record(resource):
            state.edit(resource.entity_set.name, str(resource.key), fault.values)
        if fault.effect.startswith("revoked"):
            self._tokens.revoke(login=fault.effect == "revoked_login")
            self._tokens.check(request.headers.get("authorization"))
        answer = await carried_out(fault, lambda: self._answer(request, state, resource, body))
        answer = Answer(200) if answer is None else await answer.finished()
        if fault.effect != "answer" or fault.status is None:
            return fault, answer
        headers = self._limits.spent(division, fault.limit) if division is not None else {}
        if fault.body is not None:
            headers |= {"Content-Type": "application/json"}
            return fault, Answer(fault.status, json.dumps(fault.body), headers | fault.headers)
        raise Refused(fault.status, fault.message, headers | fault.headers)

    def _strike(self, request: Request, state: ExactState, resource: Resource | None, body: bytes) -> Fault | None:
        if not self._faults.ordered:
            return None
        properties: dict[str, Any] = {}
        if resource is not None and resource.key is not None:
            stored = state.reader().get(resource.entity_set.name, resource.key)
            properties = {} if stored is None else stored.body
        sent = read_json(body) if body else None
        return self._faults.strike(
            request.method, str(request.scope["path"]), properties | (sent if isinstance(sent, dict) else {})
        )

    def _answer(self, request: Request, state: ExactState, resource: Resource | None, body: bytes) -> Answer:
        base = _base(request)
        root = f"{base}{ROOT}{state.division}"
        address = f"{base}{request.scope['path']}"
        call = reading.Call(state, self._config, root, address, dict(request.query_params))
        if resource is None:
            _only_get(request.method, ME)
            content = reading.read_plain(call, ME, [self._company.me()])
            return Answer(200, content if isinstance(content, dict) else {"results": content})
        if self._access.admit(resource.entity_set, request.method):
            # No division has the number 0, so that there everything is empty.
            call = replace(call, state=ExactState(self._store, 0, timezone=self._config.timezone))
        if request.method == "GET" and resource.entity_set.acts_on is None:
            return self._read(call, resource, _wants_json(request))
        if resource.family != "ordinary" or resource.tail is not None:
            raise Refused(405, "Method not allowed", {"Allow": "GET"})
        _only_get(request.method, resource.entity_set)
        if resource.entity_set is WEBHOOKS:
            writes = request.method in ("POST", "PUT")
            sent = read_object(request, body, WEBHOOKS, self._config.body_bytes) if writes else None
            return write_subscription(
                self._webhooks, call, request.method, resource.key, sent, full=_wants_whole(request)
            )
        return _write(call, resource, request, body)

    def _read(self, call: reading.Call, resource: Resource, as_json: bool) -> Answer:
        entity_set = resource.entity_set
        if entity_set is DELETED:
            return Answer(200, reading.read_deleted(call))
        if entity_set in (DIVISIONS, HRM_DIVISIONS):
            return Answer(200, read_divisions(self._company, call, entity_set, resource.key))
        if entity_set is SYNC_TIMESTAMP:
            return Answer(200, {"results": [reading.read_sync_timestamp(call)]})
        if entity_set is USER_HAS_RIGHTS:
            return has_right(self._access, call.options, as_json=as_json)
        if resource.key is None:
            if resource.tail == "$count":
                return Answer(200, str(reading.read_count(call, entity_set, resource.family)))
            return Answer(200, reading.read_list(call, entity_set, resource.family))
        if resource.tail is not None:
            return Answer(200, reading.read_collection(call, entity_set, resource.key, resource.tail))
        return Answer(200, reading.read_one(call, entity_set, resource.key))


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "") or request.query_params.get("$format") == "json"


def _wants_whole(request: Request) -> bool:
    return "return=representation" in request.headers.get("prefer", "")


def _division(path: str) -> tuple[int | None, str]:
    """The administration that an address names, None when it names none, and what follows it."""
    head, _, rest = re.sub("/+", "/", path.removeprefix(ROOT)).partition("/")
    if _DIVISION.fullmatch(head) is None:
        return None, f"{head}/{rest}"
    return int(head), rest


def _base(request: Request) -> str:
    host = request.headers.get("host") or ":".join(map(str, request.scope["server"]))
    return f"{request.scope['scheme']}://{host}"


def _check_length(request: Request, longest: int) -> None:
    address = _base(request).encode() + request.scope["raw_path"] + b"?" + request.scope["query_string"]
    if len(address) > longest:
        raise Refused(414, f"The request URL is too long: {len(address)} characters, of at most {longest}.")


def _metadata(method: str, service: str) -> Answer:
    offered = {
        name: found
        for path, found in _SETS.items()
        for place, _, name in [path.rpartition("/")]
        if place == service and found[0] is not SYNC_TIMESTAMP
    }
    if not offered:
        raise not_found()
    if method != "GET":
        raise Refused(405, "Method not allowed", {"Allow": "GET"})
    return Answer(200, edmx(offered), {"Content-Type": "application/xml;charset=utf-8"})


def _resource(rest: str) -> Resource:
    match = _RESOURCE.fullmatch(rest)
    if match is None:
        raise not_found()
    path, tail = match["set"], match["tail"]
    if path not in _SETS:
        raise not_found()
    entity_set, family = _SETS[path]
    key = None
    if match["key"] is not None:
        literal = _KEY.fullmatch(match["key"])
        number = entity_set in (DIVISIONS, HRM_DIVISIONS) and match["key"].isdecimal()
        if not number and (literal is None or family != "ordinary" or entity_set.name not in _KEPT):
            raise bad_request("Bad Request - Error in query syntax.")
        key = match["key"] if literal is None else literal[1].lower()
    prop = entity_set.properties.get(tail or "")
    fits = tail is None or (tail == "$count" and key is None) or (key is not None and prop and prop.is_collection)
    if not fits or (tail == "$count" and entity_set.name not in _KEPT):
        raise not_found()
    return Resource(entity_set, family, path, key, tail)


def _is_record(resource: Resource) -> bool:
    return resource.key is not None and resource.entity_set.name in SETS


def _only_get(method: str, entity_set: EntitySet) -> None:
    if method != "GET" and not entity_set.writable:
        raise Refused(405, "Method not allowed", {"Allow": "GET"})


def _write(call: reading.Call, resource: Resource, request: Request, body: bytes) -> Answer:
    method, key, state, entity_set = request.method, resource.key, call.state, resource.entity_set
    full = _wants_whole(request)
    if entity_set.acts_on is not None and method != "POST":
        raise Refused(405, "Method not allowed", {"Allow": "POST"})
    if (method == "POST" and key is None) or (method == "PUT" and key is not None):
        sent = read_object(request, body, entity_set, call.config.body_bytes)
    if entity_set.acts_on is not None and key is None:
        return Answer(201, actions.carry_out(call, entity_set, sent))
    if method == "POST" and key is None:
        return _create(call, entity_set, sent, full=full)
    if method == "PUT" and key is not None:
        with state.store.transaction():
            values = rules.change(state, entity_set, state.get(entity_set.name, key), sent)
            state.edit(entity_set.name, key, values)
        return Answer(200, _shown(call, entity_set, key)) if full else Answer(204)
    if method == "DELETE" and key is not None:
        with state.store.transaction():
            rules.check_open(state, entity_set, state.get(entity_set.name, key).body)
            state.remove(entity_set.name, key)
        return Answer(204)
    raise Refused(405, "Method not allowed", {"Allow": "GET, PUT, DELETE" if key is not None else "GET, POST"})


def _create(call: reading.Call, entity_set: EntitySet, sent: Any, *, full: bool) -> Answer:
    state = call.state
    with state.store.transaction():
        values = rules.creation(entity_set, sent)
        if entity_set.header is not None:
            rules.check_open(state, entity_set, values)
        key = state.add(entity_set.name, values)
    return created(call, entity_set, key, full=full)


def _shown(call: reading.Call, entity_set: EntitySet, key: str) -> Any:
    return _renderer(call, entity_set).row(call.state.get(entity_set.name, key))


def _renderer(call: reading.Call, entity_set: EntitySet) -> Renderer:
    return renderer(call.state.reader(), entity_set, "ordinary", call.root, int64_as_text=call.config.int64_as_text)


def _response(answer: Answer, headers: Mapping[str, str]) -> Response:
    together = {**headers, **answer.headers}
    if answer.content is None:
        return Response(status_code=answer.status, headers=together)
    if isinstance(answer.content, str):
        together.setdefault("Content-Type", "text/plain;charset=utf-8")
        return Response(answer.content, answer.status, together)
    text = json.dumps({"d": answer.content}, ensure_ascii=False, separators=(",", ":"))
    return Response(text, answer.status, together, media_type="application/json")


def _error(refused: Refused, headers: Mapping[str, str], *, as_json: bool) -> Response:
    together = {**headers, **refused.headers}
    if as_json:
        body = {"error": {"code": "", "message": {"lang": "", "value": refused.message}}}
        return Response(json.dumps(body), refused.status, together, media_type="application/json")
    text = atom_error(refused.message)
    return Response(text, refused.status, together, media_type="application/xml")
