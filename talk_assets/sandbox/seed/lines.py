"""Lines of documents, and how the lines of one document differ between the systems."""

from collections.abc import Sequence
from decimal import Decimal

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed.model import Values
from talk_assets.sandbox.seed.products import Product
from talk_assets.sandbox.seed.source import Source

_CROWNS_PER_EURO = Decimal("11.5")
_DISCOUNTS = (None, None, None, Decimal(5), Decimal("5.5"), Decimal(10), Decimal("12.5"))
_CENT = Decimal("0.01")


class LineMaker:
    """Makes lines with keys of their own."""

    def __init__(self, source: Source, count: int | None) -> None:
        self._source = source
        self._count = count
        self._made = {"quote_line": 0, "order_line": 0}

    def key(self, entity: str) -> str:
        """The next key of a line entity of Customerp."""
        self._made[entity] += 1
        return record_key(entity, self._made[entity])

    def truth(self, products: Sequence[Product], currency: str) -> list[tuple[Product, Values]]:
        """The lines of one document under Customerp's names, without keys: which product, how many, at what price."""
        source = self._source
        count = self._count or source.random.randrange(1, 5)
        chosen = (
            source.random.sample(products, count)
            if len(products) >= count
            else source.random.choices(products, k=count)
        )
        rate = _CROWNS_PER_EURO if currency == "NOK" else Decimal(1)
        return [
            (
                product,
                {
                    "Position": position,
                    "Description": product.name[:60].rstrip(),
                    "Quantity": self._quantity(),
                    "UnitPrice": (product.price * rate).quantize(_CENT),
                    "DiscountPercent": source.pick(_DISCOUNTS),
                    "Remark": "Uit voorraad." if source.chance(0.15) else None,
                },
            )
            for position, product in enumerate(chosen, start=1)
        ]

    def customerp(self, entity: str, lines: Sequence[tuple[Product, Values]]) -> list[Values]:
        """Lines as Customerp holds them; every product has to be there."""
        return [
            {
                "Id": self.key(entity),
                "ProductId": product.pair.customerp.key if product.pair.customerp else None,
                **values,
            }
            for product, values in lines
        ]

    def exact(self, lines: Sequence[tuple[Product, Values]]) -> list[Values]:
        """Lines as Exact holds them; every product has to be there."""
        return [
            {
                "ID": self._source.guid(),
                "Item": product.pair.exact.key if product.pair.exact else None,
                "Description": values["Description"],
                "Quantity": values["Quantity"],
                "UnitPrice": values["UnitPrice"],
                "Discount": values["DiscountPercent"] / 100 if values["DiscountPercent"] is not None else None,
                **({"DeliveryDate": values["DeliveryDate"]} if "DeliveryDate" in values else {}),
                "Notes": "Magazijn 2" if self._source.chance(0.1) else None,
            }
            for product, values in lines
        ]

    def part(self, own: Sequence[Values], exact: list[Values]) -> None:
        """In some documents, let one line differ, or let the last line be missing in Exact."""
        source = self._source
        if source.chance(0.15):
            place = source.random.randrange(len(exact))
            side = source.pick((own, exact))
            side[place]["Quantity"] = self._quantity()
        if source.chance(0.1):
            place = source.random.randrange(len(exact))
            exact[place]["UnitPrice"] = (exact[place]["UnitPrice"] * Decimal("0.97")).quantize(_CENT)
        if len(exact) > 1 and self._count is None and source.chance(0.05):
            exact.pop()

    def _quantity(self) -> Decimal:
        whole = Decimal(self._source.random.randrange(1, 60))
        return whole + Decimal("0.5") if self._source.chance(0.1) else whole
