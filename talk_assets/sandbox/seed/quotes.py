"""Customerp's quotes and Exact's quotations."""

from dataclasses import dataclass
from datetime import timedelta

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.pairing import lose, places
from talk_assets.sandbox.seed.trades import Trade, TradeMaker

_NAMES = {"CustomerReference": "YourRef", "Description": "Description", "Currency": "Currency", "Remarks": "Remarks"}
# Exact's quotation status of Customerp's (Exact reference, Quotations).
_STATUS = {"draft": 20, "open": 25, "sent": 40, "accepted": 50, "rejected": 5, "closed": 6}
_LATER = {"draft": 25, "open": 40, "sent": 50}


@dataclass(slots=True)
class Quote:
    """A quote and what it is about."""

    pair: Pair
    trade: Trade


class QuoteMaker:
    """Makes quotes and quotations."""

    def __init__(self, trades: TradeMaker) -> None:
        self._trades = trades
        self._source = trades.source
        self._made = 0

    def make(self, options: SeedOptions) -> list[Quote]:
        """All quotes."""
        planned = [self._trades.trade(place) for place in places(self._source, options.quotes, options.overlap)]
        quotes: list[Quote] = []
        for place, trade in filter(None, planned):
            if self._source.chance(0.15):
                trade.common["CustomerReference"] = None
            own_number, exact_number = self._trades.numbers("Q", place, trade.common)
            status = self._source.pick(("draft", "open", "sent", "sent", "accepted", "rejected", "closed"))
            pair = Pair(None, None)
            if place != "exact":
                pair.customerp = self._quote(trade, own_number, status)
            if place != "customerp":
                pair.exact = self.quotation(trade, exact_number, status)
            self._part(pair, status)
            quotes.append(Quote(pair, trade))
        return quotes

    def _quote(self, trade: Trade, number: str, status: str) -> Draft:
        source = self._source
        self._made += 1
        day = trade.started.date()
        values: Values = {
            **trade.common,
            **trade.customer(),
            "Number": number,
            "QuoteDate": day.isoformat(),
            "ValidUntil": (day + timedelta(days=30)).isoformat(),
            "Status": status,
            "InternalNote": "Marge besproken met directie." if source.chance(0.2) else None,
        }
        lines = self._trades.lines.customerp("quote_line", trade.lines)
        return Draft(record_key("quote", self._made), values, source.after(trade.started), lines)

    def quotation(self, trade: Trade, number: int, status: str) -> Draft:
        """The quotation in Exact of a trade."""
        source = self._source
        day = trade.started.date()
        values: Values = {
            **{exact: trade.common[own] for own, exact in _NAMES.items()},
            **trade.account("OrderAccount", "OrderAccountContact"),
            "QuotationNumber": number,
            "QuotationDate": day.isoformat(),
            "DueDate": (day + timedelta(days=30)).isoformat(),
            "ClosingDate": (day + timedelta(days=21)).isoformat() if source.chance(0.5) else None,
            "PaymentCondition": source.pick(("14", "30")),
            "Status": _STATUS[status],
        }
        return Draft(source.guid(), values, source.after(trade.started), self._trades.lines.exact(trade.lines))

    def _part(self, pair: Pair, status: str) -> None:
        source = self._source
        if pair.customerp is None or pair.exact is None:
            return
        lose(source, pair, _NAMES, ("Description", "Remarks"))
        if source.chance(0.2):
            pair.exact.values["Remarks"] = "Geldig zolang de voorraad strekt."
        if source.chance(0.3) and status in _LATER:
            pair.exact.values["Status"] = _LATER[status]
        self._trades.lines.part(pair.customerp.lines, pair.exact.lines)
