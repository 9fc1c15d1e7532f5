"""Customerp's orders, Exact's sales orders, and the quotations that belong to orders without a quote."""

from dataclasses import dataclass
from datetime import date, timedelta

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.pairing import Place, lose, places
from talk_assets.sandbox.seed.quotes import Quote, QuoteMaker
from talk_assets.sandbox.seed.trades import Trade, TradeMaker

_NAMES = {"CustomerReference": "YourRef", "Description": "Description", "Currency": "Currency", "Remarks": "Remarks"}
# Exact's sales order status of Customerp's (Exact reference, SalesOrders).
_STATUS = {"open": 12, "partial": 20, "complete": 21, "cancelled": 45}
_SHARE_FROM_QUOTE = 0.4
_SHARE_WITH_QUOTATION = 0.3


@dataclass(slots=True)
class Order:
    """An order, its sales order, and the quotation that Exact has for it when it came from no quote."""

    pair: Pair
    quotation: Draft | None


class OrderMaker:
    """Makes orders and sales orders."""

    def __init__(self, trades: TradeMaker, quote_maker: QuoteMaker, quotes: list[Quote]) -> None:
        self._trades = trades
        self._source = trades.source
        self._quote_maker = quote_maker
        # A quote becomes one order at most.
        self._free = [quote for quote in quotes if quote.pair.customerp is not None]
        self._made = 0

    def make(self, options: SeedOptions) -> list[Order]:
        """All orders."""
        made = (self._order(place) for place in places(self._source, options.orders, options.overlap))
        return [order for order in made if order is not None]

    def _order(self, place: Place) -> Order | None:
        quote = self._quote_for(place)
        if quote is None:
            planned = self._trades.trade(place)
            if planned is None:
                return None
            place, trade = planned
        else:
            trade = self._ordered(quote)
        numbers = self._trades.numbers("O", place, trade.common)
        # What is made from a quote shares its text with the quote, and Exact refuses changes of a completed order.
        done = () if quote is not None else ("complete", "cancelled")
        status = self._source.pick(("open", "open", "partial", *done))
        delivery = trade.started.date() + timedelta(days=self._source.random.randrange(5, 60))
        lines = [(product, {**values, "DeliveryDate": delivery.isoformat()}) for product, values in trade.lines]
        written = Trade(trade.company, trade.contact, lines, trade.started, trade.common)
        pair = Pair(None, None)
        if place != "exact":
            pair.customerp = self._own(written, quote, numbers[0], status, delivery)
        if place != "customerp":
            pair.exact = self._salesorder(written, numbers[1], status, delivery)
        self._part(pair, status)
        return Order(pair, self._quotation(trade) if quote is None and place != "exact" else None)

    def _quote_for(self, place: Place) -> Quote | None:
        if place == "exact" or not self._source.chance(_SHARE_FROM_QUOTE):
            return None
        fitting = [quote for quote in self._free if place == "customerp" or quote.trade.portable]
        if not fitting:
            return None
        quote = self._source.pick(fitting)
        self._free = [other for other in self._free if other is not quote]
        return quote

    def _ordered(self, quote: Quote) -> Trade:
        """What the quote was about, ordered a few days later; both of its records say that it was accepted."""
        trade = quote.trade
        day = min(trade.started + timedelta(days=self._source.random.randrange(1, 20)), self._source.until)
        if quote.pair.customerp is not None:
            quote.pair.customerp.values["Status"] = "accepted"
        if quote.pair.exact is not None:
            quote.pair.exact.values["Status"] = 50
        contact = trade.contact if trade.contact is not None and trade.contact.pair.shared else None
        return Trade(trade.company, contact, trade.lines, day, trade.common)

    def _own(self, trade: Trade, quote: Quote | None, number: str, status: str, delivery: date) -> Draft:
        source = self._source
        self._made += 1
        values: Values = {
            **trade.common,
            **trade.customer(),
            "Number": number,
            "QuoteId": quote.pair.customerp.key if quote is not None and quote.pair.customerp is not None else None,
            "OrderDate": trade.started.date().isoformat(),
            "DeliveryDate": delivery.isoformat(),
            "Status": status,
            "InternalNote": "Planning: ploeg 2." if source.chance(0.2) else None,
        }
        lines = self._trades.lines.customerp("order_line", trade.lines)
        return Draft(record_key("order", self._made), values, source.after(trade.started), lines)

    def _salesorder(self, trade: Trade, number: int, status: str, delivery: date) -> Draft:
        source = self._source
        values: Values = {
            **{exact: trade.common[own] for own, exact in _NAMES.items()},
            **trade.account("OrderedBy", "OrderedByContactPerson"),
            "OrderNumber": number,
            "OrderDate": trade.started.date().isoformat(),
            "DeliveryDate": delivery.isoformat(),
            "PaymentCondition": source.pick(("14", "30")),
            "Status": _STATUS[status],
        }
        return Draft(source.guid(), values, source.after(trade.started), self._trades.lines.exact(trade.lines))

    def _quotation(self, trade: Trade) -> Draft | None:
        """In some cases Exact has a quotation with the order's reference, although Customerp has no quote."""
        if not (trade.portable and self._source.chance(_SHARE_WITH_QUOTATION)):
            return None
        return self._quote_maker.quotation(trade, self._trades.numbers("Q", "exact", trade.common)[1], "accepted")

    def _part(self, pair: Pair, status: str) -> None:
        source = self._source
        if pair.customerp is None or pair.exact is None or status == "complete":
            return
        lose(source, pair, _NAMES, ("Description", "Remarks"))
        if source.chance(0.3) and status == "open":
            pair.exact.values["Status"] = _STATUS["partial"]
        self._trades.lines.part(pair.customerp.lines, pair.exact.lines)
