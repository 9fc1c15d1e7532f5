"""Whether a row passed, from what the systems hold and what the ledger says."""

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.qa.acting import Act
from talk_assets.qa.books import Books
from talk_assets.qa.cases import checklist
from talk_assets.qa.judging import Judge
from talk_assets.qa.links import Links, Place
from talk_assets.qa.making import Made
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, PASSED, Row
from talk_assets.qa.samples import Mark
from talk_assets.qa.stock import Stock
from talk_assets.systems.base import Record

CAPABILITIES = load_capabilities()
MARK = Mark("1234")
ROWS = {case.id: case for case in checklist(load_mappings(None, CAPABILITIES), CAPABILITIES, MARK)}
PRODUCT, ITEM = "customerp.product", "exact.items"


def judged(name: str, held: dict[Place, Record], links: Links, keys: dict[str, list[str]]) -> Row:
    """The outcome of a row about records that were made and not touched since."""
    books = Books({}, CAPABILITIES, [], _held=held)
    return Judge(Stock(MARK), books, links).row(ROWS[name], Made(keys), None)


def linked(*places: tuple[str, str], **reasons: str) -> Links:
    """A ledger that knows one cluster, 7."""
    told = {7: [text for text in reasons.values()]}
    return Links(dict.fromkeys(places, 7), {7: list(places)}, told, set(), set(), set())


def test_a_value_that_customerp_dropped_was_not_found_in_exact() -> None:
    """A profile has a wrong name for a property, the ERP drops it without a word, and the row is green."""
    name = "product_items/barcode/created"
    full = Stock(MARK).values(ROWS[name].scope, PRODUCT, ROWS[name].number)
    keys = {PRODUCT: ["p"], ITEM: ["i"]}
    links = linked((PRODUCT, "p"), (ITEM, "i"))
    good: dict[Place, Record] = {(PRODUCT, "p"): dict(full), (ITEM, "i"): {"Barcode": full["Barcode"]}}
    assert judged(name, good, links, keys).outcome == PASSED
    dropped: dict[Place, Record] = {(PRODUCT, "p"): {**full, "Barcode": None}, (ITEM, "i"): {"Barcode": None}}
    row = judged(name, dropped, links, keys)
    assert row.outcome == FAILED
    assert "Customerp Barcode" in row.expected


def test_records_that_nobody_looked_at_are_not_held_as_ambiguous() -> None:
    """Syncs never read the records, so that none is linked, and the row about ambiguity is green."""
    name = "product_items/record/match-1-ambiguous-customerp"
    keys = {PRODUCT: ["p", "q"], ITEM: ["i"]}
    held: dict[Place, Record] = {(PRODUCT, "p"): {}, (PRODUCT, "q"): {}, (ITEM, "i"): {}}
    assert judged(name, held, Links({}, {}, {}, set(), set(), set()), keys).outcome == FAILED
    links = Links({}, {}, {}, {(PRODUCT, "p"), (PRODUCT, "q")}, set(), set())
    assert judged(name, held, links, keys).outcome == PASSED


def test_an_ordinary_edit_that_is_refused_is_no_pass() -> None:
    """A length is declared that the system does not take, or an edit that every user makes, and nothing is red."""
    keys = {PRODUCT: ["p"], ITEM: ["i"]}
    outcomes = {}
    for edge in ("longest", "emptied", "emoji"):
        case = ROWS[f"product_items/name/customerp-{edge}"]
        act = Act(refused="Customerp refused it: too long.")
        row = Judge(Stock(MARK), Books({}, CAPABILITIES, []), linked()).row(case, Made(keys), act)
        assert row.reason == "Customerp refused it: too long."
        outcomes[edge] = row.outcome
    assert outcomes == {"longest": FAILED, "emptied": NOT_APPLICABLE, "emoji": NOT_APPLICABLE}
