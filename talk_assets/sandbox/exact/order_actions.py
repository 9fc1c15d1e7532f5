"""What completes a sales order or one of its lines (Exact reference, SalesOrders; the official pages of the sets).

Delivery and invoice are completed each by itself; an order is complete once both are, and nothing undoes it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.errors import rejected
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Body, Stored

_PARTS = {"CompleteDelivery": "DeliveryStatus", "CompleteInvoice": "InvoiceStatus"}


def act(state: ExactState, action: str, values: Mapping[str, Any]) -> Body:
    """Complete the order, or the line, that a call names.

    Args:
        state: the division.
        action: `CompleteSalesOrder` or `CompleteSalesOrderLine`.
        values: what the call sends.

    Returns:
        What Exact fills in of the action's own properties.

    Raises:
        Refused: 500, there is no such record, nothing is to be completed, or it is complete or cancelled already.
    """
    set_name, name = ("SalesOrders", "OrderID") if action == "CompleteSalesOrder" else ("SalesOrderLines", "ID")
    if values.get(name) is None:
        raise rejected(f"Verplicht: {name}")
    record = state.reader().get(set_name, values[name])
    if record is None:
        raise rejected(f"Bestaat niet: {name}")
    wanted = [status for part, status in _PARTS.items() if values.get(part)]
    if not wanted:
        raise rejected("Verplicht: CompleteDelivery of CompleteInvoice")
    order = record if set_name == "SalesOrders" else state.get("SalesOrders", record.body["OrderID"])
    done = (codes.ORDER_COMPLETE, codes.ORDER_CANCELLED)
    if order.body["Status"] in done or all(record.body[status] in done for status in wanted):
        raise rejected("Niet mogelijk: de verkooporder is al voltooid of geannuleerd.")
    with state.store.transaction():
        lines = state.reader().lines(order) if record is order else [record]
        for line in lines:
            _complete(state, line, wanted)
        _follow(state, order)
    return {"SuccessMessage": "Voltooid."}


def _complete(state: ExactState, line: Stored, wanted: Iterable[str]) -> None:
    left = [status for status in wanted if line.body[status] not in (codes.ORDER_COMPLETE, codes.ORDER_CANCELLED)]
    if left:
        state.edit("SalesOrderLines", line.key, dict.fromkeys(left, codes.ORDER_COMPLETE))


def _follow(state: ExactState, order: Stored) -> None:
    """Bring an order's statuses up to date with those of its lines."""
    lines = state.reader().lines(order)
    parts = {status: _together([line.body[status] for line in lines]) for status in _PARTS.values()}
    state.edit("SalesOrders", order.key, parts | {"Status": _together(list(parts.values()))})


def _together(statuses: list[int]) -> int:
    counted = [status for status in statuses if status != codes.ORDER_CANCELLED]
    if all(status == codes.ORDER_COMPLETE for status in counted):
        return codes.ORDER_COMPLETE
    return codes.ORDER_OPEN if all(status == codes.ORDER_OPEN for status in counted) else codes.ORDER_PARTIAL
