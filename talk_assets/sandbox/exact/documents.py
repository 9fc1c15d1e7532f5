"""What Exact computes on quotations and sales orders: defaults of a line, its amounts, and the totals of a document."""

import math
from collections.abc import Collection, Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.errors import Refused, rejected
from talk_assets.sandbox.store import Body

_CENT = Decimal("0.01")


def line_defaults(set_name: str, line: Body, header: Body, item: Body, number: int) -> None:
    """Fill in what a new line leaves out, from its item and its document."""
    line["LineNumber"] = number
    defaults: Body = {
        "Description": item.get("Description"),
        "Quantity": 1.0,
        "UnitPrice": item.get("StandardSalesPrice") or 0.0,
        "Discount": 0.0,
        "UnitCode": item.get("Unit", codes.DEFAULT_UNIT),
        "VATCode": item.get("SalesVatCode", codes.DEFAULT_VAT),
    }
    if set_name == "SalesOrderLines":
        defaults |= {
            "DeliveryDate": header.get("DeliveryDate"),
            "DeliveryStatus": codes.ORDER_OPEN,
            "InvoiceStatus": codes.ORDER_OPEN,
            "QuantityDelivered": 0.0,
            "QuantityInvoiced": 0.0,
        }
    for name, value in defaults.items():
        if value is not None and name not in line:
            line[name] = value


def line_amounts(set_name: str, line: Body, given: Collection[str]) -> None:
    """Work out a line's net price, discount, VAT and amounts.

    Args:
        set_name: `QuotationLines` or `SalesOrderLines`.
        line: the line's properties; changed in place.
        given: the properties that this write sets: a net price or amount given without the price and discount it
            follows from makes the discount follow instead.

    Raises:
        Refused: 500, an amount is larger than can be kept.
    """
    quantity, price = _decimal(line.get("Quantity")), _decimal(line.get("UnitPrice"))
    net = price * (1 - _decimal(line.get("Discount")))
    total_given = set_name == "SalesOrderLines" and "AmountFC" in given and bool(quantity)
    if not {"UnitPrice", "Discount"} & set(given) and ("NetPrice" in given or total_given):
        net = _decimal(line.get("NetPrice")) if "NetPrice" in given else _decimal(line.get("AmountFC")) / quantity
        line["UnitPrice"] = _double(price or net)
        line["Discount"] = _double(1 - net / price) if price else 0.0
    amount = _money(quantity * net)
    if not (set_name == "SalesOrderLines" and "VATPercentage" in given):
        line["VATPercentage"] = codes.VAT_RATES.get(line.get("VATCode", ""), 0.0)
    vat = _money(amount * _decimal(line["VATPercentage"]))
    line["NetPrice"] = _double(net)
    line["AmountFC"] = line["AmountDC"] = _double(amount)
    line["VATAmount" if set_name == "SalesOrderLines" else "VATAmountFC"] = _double(vat)


def document_totals(set_name: str, header: Body, lines: Iterable[Body]) -> None:
    """Work out a document's totals from its lines; the division's currency is taken to be the document's."""
    net = vat = discount = Decimal(0)
    for line in lines:
        amount = _decimal(line.get("AmountFC"))
        net += amount
        vat += _decimal(line.get("VATAmount", line.get("VATAmountFC")))
        discount += _money(_decimal(line.get("Quantity")) * _decimal(line.get("UnitPrice"))) - amount
    if set_name == "SalesOrders":
        header["AmountFCExclVat"] = _double(net)
        header["AmountFC"] = header["AmountDC"] = _double(net + vat)
        header["VATAmount"] = _double(vat)
    else:
        header["AmountFC"] = header["AmountDC"] = _double(net)
        header["VATAmountFC"] = _double(vat)
        header["AmountDiscountExclVat"] = _double(discount)
        header["AmountDiscount"] = _double(discount)


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _money(value: Decimal) -> Decimal:
    try:
        return value.quantize(_CENT, ROUND_HALF_UP)
    except InvalidOperation:
        raise _too_large() from None


def _double(value: Decimal) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise _too_large()
    return number


def _too_large() -> Refused:
    return rejected("Ongeldig: bedrag te groot")
