"""What moves the status of a quotation (Exact reference, Quotations, and the official pages of the action sets).

A quotation is printed before it is accepted, rejected or reviewed; reopening makes it printed again; a review closes it
and leaves a copy of the next version. Texts of refusals are ours: none is on record.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.errors import rejected
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.store import Body, Stored

Values = Mapping[str, Any]

_NO_ACTION, _MAKE_ORDER, _AS_SIGNED = 0, 1, 99
# From which statuses each action is possible; 35 processing and 10 recovery are states that pass.
_FROM: Mapping[str, tuple[int, ...]] = {
    "PrintQuotation": (codes.QUOTATION_DRAFT, codes.QUOTATION_OPEN, codes.QUOTATION_PRINTED),
    "EmailWithSignOffQuotation": (codes.QUOTATION_DRAFT, codes.QUOTATION_OPEN, codes.QUOTATION_PRINTED),
    "AcceptQuotation": (codes.QUOTATION_PRINTED, codes.QUOTATION_AWAITED, codes.QUOTATION_ACCEPTED_WITH_ERROR),
    "RejectQuotation": (codes.QUOTATION_PRINTED, codes.QUOTATION_AWAITED),
    "ReopenQuotation": (
        codes.QUOTATION_REJECTED,
        codes.QUOTATION_ACCEPTED,
        codes.QUOTATION_ACCEPTED_WITH_ERROR,
    ),
    "ReviewQuotation": (codes.QUOTATION_REJECTED, codes.QUOTATION_PRINTED, codes.QUOTATION_AWAITED),
}
_HEAD = (
    "OrderAccount", "OrderAccountContact", "InvoiceAccount", "InvoiceAccountContact", "DeliveryAccount",
    "DeliveryAccountContact", "DeliveryAddress", "DeliveryDate", "Description", "Currency", "DueDate", "ClosingDate",
    "Document", "IncotermAddress", "IncotermCode", "IncotermVersion", "Opportunity", "PaymentCondition", "Project",
    "QuotationNumber", "Remarks", "SalesChannel", "SalesPerson", "SelectionCode", "ShippingMethod", "WarehouseID",
    "YourRef",
)  # fmt: skip
_LINE = ("Item", "Description", "Quantity", "UnitCode", "VATCode", "Notes", "CostCenter", "CostUnit", "Optional")
_PRICE = ("UnitPrice", "Discount")
# What a sales order takes from the quotation that it is made from.
_ORDER = {
    "OrderAccount": "OrderedBy", "OrderAccountContact": "OrderedByContactPerson", "InvoiceAccount": "InvoiceTo",
    "InvoiceAccountContact": "InvoiceToContactPerson", "DeliveryAccount": "DeliverTo",
    "DeliveryAccountContact": "DeliverToContactPerson", "DeliveryAddress": "DeliveryAddress",
    "DeliveryDate": "DeliveryDate", "Description": "Description", "Currency": "Currency",
    "IncotermAddress": "IncotermAddress", "IncotermCode": "IncotermCode", "IncotermVersion": "IncotermVersion",
    "PaymentCondition": "PaymentCondition", "Remarks": "Remarks", "SalesChannel": "SalesChannel",
    "SalesPerson": "Salesperson", "SelectionCode": "SelectionCode", "ShippingMethod": "ShippingMethod",
    "WarehouseID": "WarehouseID", "YourRef": "YourRef",
}  # fmt: skip


def act(state: ExactState, action: str, values: Values) -> Body:
    """Carry an action out on the quotation that it names.

    Args:
        state: the division.
        action: name of its set, such as `AcceptQuotation`.
        values: what the call sends.

    Returns:
        What Exact fills in of the action's own properties.

    Raises:
        Refused: 500, there is no such quotation, its status does not allow it, or the sandbox has no such records
            (projects, invoices, subscriptions).
    """
    key = values.get("QuotationID")
    if key is None:
        raise rejected("Verplicht: QuotationID")
    quotation = state.reader().get("Quotations", key)
    if quotation is None:
        raise rejected("Bestaat niet: QuotationID")
    status = quotation.body["Status"]
    if status not in _FROM[action]:
        meaning = codes.QUOTATION_STATUSES.get(status, status)
        raise rejected(f"Niet mogelijk: {action} bij een offerte met status {status} ({meaning}).")
    with state.store.transaction():
        return _ACTIONS[action](state, quotation, values)


def _print(state: ExactState, quotation: Stored, values: Values) -> Body:
    _move(state, quotation, codes.QUOTATION_PRINTED, QuotationDate=values.get("QuotationDate"))
    return {"Document": str(uuid4()), "DocumentCreationSuccess": "Het document is aangemaakt."}


def _email(state: ExactState, quotation: Stored, values: Values) -> Body:
    if values.get("EmailLayout") is None:
        raise rejected("Verplicht: EmailLayout")
    follow_up = _follow_up(values)
    if follow_up == _AS_SIGNED:
        raise rejected("Ongeldig: Action (99 hoort bij het accepteren)")
    state.store.set_setting(_signed(state, quotation), str(follow_up))
    _move(state, quotation, codes.QUOTATION_AWAITED, **_given(values, "QuotationDate", "YourRef"))
    return {"SuccessMessage": "De offerte is verzonden."}


def _accept(state: ExactState, quotation: Stored, values: Values) -> Body:
    follow_up = _follow_up(values)
    if follow_up == _AS_SIGNED:
        if quotation.body["Status"] != codes.QUOTATION_AWAITED:
            raise rejected("Ongeldig: Action (99 kan alleen bij status 60)")
        follow_up = int(state.store.setting(_signed(state, quotation)) or _NO_ACTION)
    made = _order(state, quotation, values) if follow_up == _MAKE_ORDER else {}
    _move(state, quotation, codes.QUOTATION_ACCEPTED, CloseDate=state.today(), **_given(values, "YourRef"))
    return {"SuccessMessage": "De offerte is geaccepteerd."} | made


def _reject(state: ExactState, quotation: Stored, _values: Values) -> Body:
    _move(state, quotation, codes.QUOTATION_REJECTED, CloseDate=state.today())
    return {"SuccessMessage": "De offerte is afgewezen."}


def _reopen(state: ExactState, quotation: Stored, _values: Values) -> Body:
    state.edit("Quotations", quotation.key, {"Status": codes.QUOTATION_PRINTED, "CloseDate": None})
    return {"SuccessMessage": "De offerte is heropend."}


def _review(state: ExactState, quotation: Stored, values: Values) -> Body:
    # Whether prices are kept when the call says nothing is not on record; losing them would be the worse surprise.
    names = _LINE if values.get("CopyItemPrices") is False else (*_LINE, *_PRICE)
    head = _given(quotation.body, *_HEAD) | {
        "VersionNumber": _next_version(state, quotation),
        "QuotationDate": state.today(),
        **_given(values, *(name for name in values if name not in ("QuotationID", "CopyItemPrices"))),
    }
    lines = [_given(line.body, *names) for line in state.reader().lines(quotation)]
    _move(state, quotation, codes.QUOTATION_REVIEWED)
    key = state.add_document("Quotations", head, lines)
    return {"NewQuotationID": key, "SuccessMessage": "De offerte is herzien."}


def _next_version(state: ExactState, quotation: Stored) -> int:
    number = quotation.body["QuotationNumber"]
    versions = state.store.find(SYSTEM, str(state.division), "Quotations", "QuotationNumber", number)
    return max(int(version.body["VersionNumber"]) for version in versions) + 1


def _order(state: ExactState, quotation: Stored, values: Values) -> Body:
    head = {there: quotation.body[here] for here, there in _ORDER.items() if here in quotation.body}
    wanted = _optional_lines(values)
    lines = [
        _given(line.body, *(name for name in (*_LINE, *_PRICE) if name != "Optional"))
        for line in state.reader().lines(quotation)
        if not line.body.get("Optional") or line.key in wanted
    ]
    order = state.get("SalesOrders", state.add_document("SalesOrders", head | _given(values, "YourRef"), lines))
    return {"SalesOrderSuccess": f"Verkooporder {order.body['OrderNumber']} is aangemaakt."}


def _optional_lines(values: Values) -> set[str]:
    listed = values.get("OptionalQuotationLineIDs") or ()
    return {str(line.get("ID")).lower() for line in listed if isinstance(line, Mapping)}


def _follow_up(values: Values) -> int:
    action = int(values.get("Action") or _NO_ACTION)
    if action not in (_NO_ACTION, _MAKE_ORDER, _AS_SIGNED):
        raise rejected(f"Niet ondersteund: Action ({action})")
    return action


def _move(state: ExactState, quotation: Stored, status: int, **given: Any) -> None:
    filled = {name: value for name, value in given.items() if value is not None}
    state.edit("Quotations", quotation.key, {"Status": status} | filled)


def _given(values: Values, *names: str) -> Body:
    return {name: values[name] for name in names if values.get(name) is not None}


def _signed(state: ExactState, quotation: Stored) -> str:
    return f"exact/signed/{state.division}/{quotation.key}"


_ACTIONS: Mapping[str, Callable[[ExactState, Stored, Values], Body]] = {
    "PrintQuotation": _print,
    "EmailWithSignOffQuotation": _email,
    "AcceptQuotation": _accept,
    "RejectQuotation": _reject,
    "ReopenQuotation": _reopen,
    "ReviewQuotation": _review,
}
