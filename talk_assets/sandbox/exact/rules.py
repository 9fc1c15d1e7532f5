"""What REST takes from a caller's body: unknown, read-only and create-only properties, and finished orders."""

from collections.abc import Mapping
from typing import Any

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.body import BROKEN
from talk_assets.sandbox.exact.errors import bad_request, rejected
from talk_assets.sandbox.exact.model import SETS, EntitySet
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.exact.values import parse
from talk_assets.sandbox.store import Body, Stored


def creation(entity_set: EntitySet, sent: Any) -> Body:
    """What of a POST body is to be kept; a document keeps its lines under the name of their set.

    Raises:
        Refused: 400 for what is malformed or unknown, 500 for what a create cannot hold.
    """
    body = _object(sent)
    values = _accepted(entity_set, body)
    if entity_set.lines is not None:
        line_set = SETS[entity_set.lines]
        lines = body.get(entity_set.lines)
        if isinstance(lines, Mapping):  # verbose JSON may wrap a collection
            lines = lines.get("results")
        if not isinstance(lines, list | None):
            raise bad_request(BROKEN)
        values[entity_set.lines] = [_accepted(line_set, _object(line)) for line in lines or ()]
    return values


def change(state: ExactState, entity_set: EntitySet, stored: Stored, sent: Any) -> Body:
    """What of a PUT body is to be changed.

    A property that is fixed after creation may be repeated with the value it has; another value is refused with a
    business message, which is our choice where Exact's answer is not documented.

    Raises:
        Refused: 400 for what is malformed or unknown, 500 for what cannot be changed.
    """
    values = _accepted(entity_set, _object(sent))
    check_open(state, entity_set, stored.body)
    for name in [name for name in values if entity_set.properties[name].write == "create"]:
        if values.pop(name) != stored.body.get(name):
            raise rejected(f"Niet te wijzigen na aanmaken: {name}")
    if entity_set.lines is not None and entity_set.lines in sent:
        raise rejected(f"Niet te wijzigen via de kop: {entity_set.lines}")
    return values


def check_open(state: ExactState, entity_set: EntitySet, body: Mapping[str, Any]) -> None:
    """Refuse changes to a completed sales order and its lines (Exact reference, SalesOrders).

    Raises:
        Refused: 500.
    """
    if entity_set.name == "SalesOrderLines":
        header = state.reader().get("SalesOrders", body.get("OrderID"))
        status = None if header is None else header.body.get("Status")
    else:
        status = body.get("Status") if entity_set.name == "SalesOrders" else None
    if status == codes.ORDER_COMPLETE:
        raise rejected("Niet te wijzigen: de verkooporder is voltooid.")


def _object(sent: Any) -> Mapping[str, Any]:
    if not isinstance(sent, Mapping):
        raise bad_request(BROKEN)
    return sent


def _accepted(entity_set: EntitySet, sent: Mapping[str, Any]) -> Body:
    values: Body = {}
    visible = entity_set.visible("ordinary")
    for name, raw in sent.items():
        if name.startswith("__"):
            continue
        prop = visible.get(name)
        if prop is None:
            raise bad_request(
                f"The property '{name}' does not exist on type 'Exact.Web.Api.Models.{entity_set.type_name}'. Make "
                "sure to only use property names that are defined by the type."
            )
        if prop.write == "never" or name == entity_set.lines:
            continue  # read-only properties are ignored without a word; lines are taken by the caller
        if prop.is_collection:
            if raw in (None, [], {"results": []}):
                continue  # a client that sends all it knows of sends empty collections too
            raise rejected(f"Niet ondersteund: {name}")
        values[name] = parse(prop, raw)
    return values
