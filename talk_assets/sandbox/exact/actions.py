"""The POST-only sets, each call of which changes a status (Exact reference, Writing)."""

from collections.abc import Callable, Mapping
from typing import Any

from talk_assets.sandbox.exact import order_actions, quotation_actions, rules
from talk_assets.sandbox.exact.model import EntitySet
from talk_assets.sandbox.exact.reading import Call
from talk_assets.sandbox.exact.render import Json, plain_row
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Body

_ACT: Mapping[str, Callable[[ExactState, str, Mapping[str, Any]], Body]] = {
    "Quotations": quotation_actions.act,
    "SalesOrders": order_actions.act,
    "SalesOrderLines": order_actions.act,
}


def carry_out(call: Call, action: EntitySet, sent: Any) -> Json:
    """Carry an action out, and show it with what Exact fills in.

    Raises:
        Refused: 400 for what is malformed or unknown, 500 for what the record's status does not allow.
    """
    collections, scalars = {}, sent
    if isinstance(sent, Mapping):
        named = {name for name, prop in action.properties.items() if prop.is_collection}
        collections = {name: _items(sent[name]) for name in named & sent.keys()}
        scalars = {name: value for name, value in sent.items() if name not in named}
    values = rules.creation(action, scalars) | collections
    filled = _ACT[str(action.acts_on)](call.state, action.name, values)
    shown = {name: value for name, value in values.items() if name not in collections}
    shown |= filled | {"Division": call.state.division}
    uri = f"{call.root}/{action.path}(guid'{shown[action.key]}')"
    return plain_row(action, shown, uri, None, int64_as_text=call.config.int64_as_text)


def _items(sent: Any) -> Any:
    """A nested collection; verbose JSON may wrap it."""
    return sent.get("results") if isinstance(sent, Mapping) else sent
