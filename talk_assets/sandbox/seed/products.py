"""Goods and services: Customerp's products and Exact's items."""

from dataclasses import dataclass
from decimal import Decimal

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed import identifiers, spelling
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.pairing import Place, drift, in_exact, lose, places
from talk_assets.sandbox.seed.source import Numbers, Source
from talk_assets.sandbox.seed.words import WORDS, Ware

EXACT_NAME_LENGTH = 60
_NAMES = {
    "Number": "Code",
    "Name": "Description",
    "Description": "ExtraDescription",
    "Barcode": "Barcode",
    "CostPrice": "CostPriceStandard",
    "Price": "StandardSalesPrice",
}
# The codes that an administration of Exact has for units.
_UNIT_CODES = {
    "piece": "pc",
    "hour": "hour",
    "day": "day",
    "month": "month",
    "year": "year",
    "kilogram": "kg",
    "gram": "g",
    "litre": "l",
    "metre": "m",
    "square_metre": "m2",
    "cubic_metre": "m3",
    "box": "box",
    "set": "set",
}
_LONG_NAMES = ", inclusief bevestigingsmateriaal en handleiding"


@dataclass(slots=True)
class Product:
    """A product; `alone`: no other product shares its barcode, so that the match is certain."""

    pair: Pair
    name: str
    price: Decimal
    alone: bool = True

    @property
    def linkable(self) -> bool:
        """Whether its product and its item are certain to be matched."""
        return self.pair.shared and self.alone


class ProductMaker:
    """Makes products, each with a number and a barcode of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._given = Numbers()
        self._customerp = 0
        self._made = 0

    def make(self, options: SeedOptions) -> list[Product]:
        """All products; a few share a barcode."""
        products = [self._product(place) for place in places(self._source, options.products, options.overlap)]
        _share_barcodes(products, options.duplicates)
        return products

    def _product(self, place: Place) -> Product:
        source = self._source
        ware = source.pick(WORDS.wares)
        self._made += 1
        truth = self._truth(ware)
        pair = Pair(None, None)
        if place != "exact":
            pair.customerp = self._customerp_product(truth)
        if place != "customerp":
            pair.exact = self._item(truth)
        self._part(pair, ware)
        return Product(pair, str(truth["Name"]), truth["Price"])

    def _truth(self, ware: Ware) -> Values:
        source = self._source
        line = source.pick(WORDS.product_lines)
        size = source.pick(ware.sizes)
        name = " ".join(part for part in (ware.name, line, size) if part)
        code = f"{ware.prefix}-{1000 + self._made}"
        country = "NO" if any(letter in ware.name for letter in "øåæ") else "NL"
        barcode = identifiers.barcode(source.random, country)
        while not self._given.new(barcode):
            barcode = identifiers.barcode(source.random, country)
        cost = Decimal(source.random.randrange(ware.cost[0] * 100, ware.cost[1] * 100)) / 100
        return {
            "Number": code,
            "Name": name + (_LONG_NAMES if source.chance(0.04) else ""),
            "Description": f"{ware.name}, {size}, levering per {_UNIT_CODES[ware.unit]}"
            if source.chance(0.6)
            else None,
            "Barcode": barcode if ware.unit not in ("hour", "day", "month", "year") else None,
            "Unit": ware.unit,
            "CostPrice": cost,
            "Price": (cost * Decimal("1.45")).quantize(Decimal("0.01")),
        }

    def _customerp_product(self, truth: Values) -> Draft:
        source = self._source
        self._customerp += 1
        values = {**truth, "Weight": Decimal(source.random.randrange(1, 90_000)) / 1000 if source.chance(0.6) else None}
        return Draft(record_key("product", self._customerp), values, source.moment())

    def _item(self, truth: Values) -> Draft:
        source = self._source
        values: Values = {
            **in_exact(truth, _NAMES),
            "Description": truth["Name"][:EXACT_NAME_LENGTH].rstrip(),
            "Unit": _UNIT_CODES[truth["Unit"]],
            "IsSalesItem": True,
            "IsStockItem": truth["Barcode"] is not None,
            "IsPurchaseItem": True,
            "SearchCode": spelling.slug(truth["Name"])[:12].upper(),
            "NetWeight": source.random.randrange(1, 90_000) / 1000 if source.chance(0.4) else None,
            "Notes": "Vaste leverancier." if source.chance(0.2) else None,
        }
        return Draft(source.guid(), values, source.moment())

    def _part(self, pair: Pair, ware: Ware) -> None:
        """Let the two records differ: where the codes do, the barcodes are the same, and the other way round."""
        source = self._source
        if pair.customerp is None or pair.exact is None:
            return
        if pair.customerp.values["Barcode"] is not None and source.chance(0.3):
            pair.exact.values["Code"] = f"{spelling.slug(ware.name)[:6].upper()}{7000 + self._made}"
        elif source.chance(0.3):
            source.pick((pair.customerp, pair.exact)).values["Barcode"] = None
        lose(source, pair, _NAMES, ("Description",))
        drift(
            source, pair, _NAMES, {"Description": lambda: f"{ware.name}, {source.pick(ware.sizes)}, nieuwe uitvoering"}
        )
        if source.chance(0.15) and len(pair.exact.values["Description"]) < EXACT_NAME_LENGTH:
            pair.exact.values["Description"] = spelling.respell_text(pair.exact.values["Description"], source.random)
        if source.chance(0.2):
            price = Decimal(str(pair.customerp.values["Price"]))
            pair.exact.values["StandardSalesPrice"] = (price * Decimal("1.03")).quantize(Decimal("0.01"))


def _share_barcodes(products: list[Product], wanted: int) -> None:
    """Give some of Customerp's products the barcode of another one, which Exact has under that barcode too."""
    originals = [product for product in products if product.pair.shared and _barcode(product) is not None]
    strangers = [product for product in products if product.pair.exact is None and _barcode(product) is not None]
    # At least three quarters of the products in both systems keep an unambiguous match.
    few = min(wanted, sum(product.pair.shared for product in products) // 4)
    for original, stranger in zip(originals[:few], strangers, strict=False):
        if stranger.pair.customerp is not None:
            stranger.pair.customerp.values["Barcode"] = _barcode(original)
            original.alone = stranger.alone = False


def _barcode(product: Product) -> str | None:
    own = product.pair.customerp
    return own.values["Barcode"] if own is not None else None
