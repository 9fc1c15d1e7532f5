"""What happens on the days of an administration, as data: acts of people, faults of systems, and syncs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

# What people write into a property: few values, so that some are written twice, and some put back.
VALUES = ("alpha", "beta", "gamma", "delta")
CUSTOMER, CONTACT, EMPLOYEE, PRODUCT, DEAL = "customer", "contact", "employee", "product", "deal"
# What is shared of a thing of each kind, see `facts.NAMES`.
PROPERTIES = {
    CUSTOMER: ("name", "phone", "website", "address"),
    CONTACT: ("middle_name", "phone", "mobile"),
    EMPLOYEE: ("middle_name", "phone", "mobile"),
    PRODUCT: ("name", "description", "code"),
    DEAL: ("description", "remarks", "contact"),
}
LINE_PROPERTIES = ("quantity", "unit_price", "product")
# The entities in which a deal can be; an order that is made from a quote joins its deal.
QUOTE, ORDER = "customerp.quote", "customerp.order"
QUOTATION, SALESORDER = "exact.quotations", "exact.salesorders"
# When people do something while a sync goes on.
READ, DECIDED, WRITE = "read", "decided", "write"


@dataclass(frozen=True)
class Act:
    """What somebody does.

    One that cannot be done, as what it is about is not there yet, is left out.

    Attributes:
        kind: add, add on both sides, edit, touch, order, add line or edit line.
        thing: name of what it is about; that of a line stands behind that of its deal, `d1/2`.
        about: the kind of thing, or the property that is edited.
        member: in which of the entities that it is in, counted from Customerp's first.
        value: what is written; of a contact or deal the customer, of a line its product.
        product: of a quote or order, that of its first line.
    """

    kind: str
    thing: str
    about: str = ""
    member: int = 0
    value: str = ""
    product: str = ""


@dataclass(frozen=True)
class Sync:
    """A sync, and what comes between.

    Attributes:
        meanwhile: what people do while it goes on.
        moment: when they do: between two feeds (read), when everything was decided, or right before a write.
        count: after how many feeds, or before which write.
        faults: `(system, wish)` of the faults that are ordered before it.
        subjects: it is about these subjects alone; empty: all.
        rescan: whether everything is read from the beginning.
        ends: whether it comes further than to its decisions.
    """

    meanwhile: tuple[Act, ...] = ()
    moment: str = DECIDED
    count: int = 0
    faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    subjects: tuple[str, ...] = ()
    rescan: bool = False
    ends: bool = True


@dataclass(frozen=True)
class Day:
    """Acts, and syncs after them; at its end everything has to be settled."""

    acts: tuple[Act, ...]
    syncs: tuple[Sync, ...] = ()


@dataclass
class _Names:
    """Names of the things that are there, by kind, with the number of lines of each deal."""

    things: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in PROPERTIES})
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str) -> str:
        self.things[kind].append(f"{kind}{len(self.things[kind]) + 1}")
        return self.things[kind][-1]


def make_days(random: Random, count: int) -> list[Day]:
    """Make up so many days, the first of which has some of everything and no trouble."""
    names = _Names()
    first = [_add(names, random, kind) for kind in (CUSTOMER, CUSTOMER, PRODUCT, PRODUCT, PRODUCT, CONTACT, EMPLOYEE)]
    first += [act for _ in range(3) for act in _deal(names, random)]
    days = [Day(tuple(first))]
    while len(days) < count:
        acts = tuple(act for _ in range(random.randint(1, 9)) for act in _acts(names, random))
        days.append(Day(acts, tuple(_sync(names, random, acts) for _ in range(random.randint(0, 3)))))
    return days


def _add(names: _Names, random: Random, kind: str) -> Act:
    both = kind in (CUSTOMER, PRODUCT) and random.random() < 0.3
    owner = random.choice(names.things[CUSTOMER]) if kind == CONTACT else ""
    return Act("add on both sides" if both else "add", names.add(kind), kind, value=owner)


def _deal(names: _Names, random: Random) -> list[Act]:
    owner, both = random.choice(names.things[CUSTOMER]), random.random() < 0.2
    about = QUOTE if random.random() < 0.5 else ORDER
    name = names.add(DEAL)
    product = random.choice(names.things[PRODUCT])
    names.lines[name] = 1
    made = [Act("add on both sides" if both else "add", name, about, value=owner, product=product)]
    return [*made, *(_line(names, random, name, 0) for _ in range(random.randint(0, 2)))]


def _line(names: _Names, random: Random, deal: str, member: int) -> Act:
    names.lines[deal] += 1
    product = random.choice(names.things[PRODUCT])
    return Act("add line", f"{deal}/{names.lines[deal]}", member=member, value=product)


def _acts(names: _Names, random: Random) -> list[Act]:
    chance, member = random.random(), random.randint(0, 3)
    deal = random.choice(names.things[DEAL])
    if chance < 0.06:
        return [_add(names, random, random.choice([CUSTOMER, CONTACT, EMPLOYEE, PRODUCT]))]
    if chance < 0.14:
        return _deal(names, random)
    if chance < 0.22:
        return [Act("order", deal, product=random.choice(names.things[PRODUCT]))]
    if chance < 0.34:
        return [_line(names, random, deal, member)]
    if chance < 0.40:
        return [Act("touch", random.choice(names.things[random.choice(list(PROPERTIES))]), member=member)]
    return [_edit(names, random)]


def _edit(names: _Names, random: Random) -> Act:
    member = random.randint(0, 3)
    if random.random() < 0.4:
        deal = random.choice(names.things[DEAL])
        about = random.choice(LINE_PROPERTIES)
        value = random.choice(names.things[PRODUCT]) if about == "product" else str(random.randint(1, 9))
        return Act("edit line", f"{deal}/{random.randint(1, names.lines[deal])}", about, member, value)
    kind = random.choice(list(PROPERTIES))
    about = random.choice(PROPERTIES[kind])
    value = random.choice(names.things[CONTACT]) if about == "contact" else random.choice(VALUES)
    return Act("edit", random.choice(names.things[kind]), about, member, value)


def _rival(names: _Names, random: Random, acts: Sequence[Act]) -> list[Act]:
    """Somebody else does something about the same: that is what goes wrong first."""
    edits = [act for act in acts if act.kind in ("edit", "edit line")]
    if not edits or random.random() < 0.3:
        return _acts(names, random)
    act = random.choice(edits)
    others = {"contact": names.things[CONTACT], "product": names.things[PRODUCT]}
    numbers = [str(number) for number in range(1, 10)]
    values = others.get(act.about, numbers if act.kind == "edit line" else VALUES)
    return [replace(act, member=act.member + random.randint(0, 3), value=random.choice(values))]


def _sync(names: _Names, random: Random, acts: Sequence[Act]) -> Sync:
    meanwhile = tuple(act for _ in range(random.choice([0, 1, 1, 2])) for act in _rival(names, random, acts))
    faults = tuple(_fault(random) for _ in range(random.choice([0, 0, 1, 2])))
    subjects: Sequence[str] = ("organisation", "product", "person", "sales_document")
    some = tuple(sorted(random.sample(subjects, random.randint(1, 3)))) if random.random() < 0.2 else ()
    moment = random.choice([READ, DECIDED, WRITE, WRITE])
    count = 1 if moment == DECIDED else random.randint(1, 10 if moment == READ else 4)
    return Sync(meanwhile, moment, count, faults, some, rescan=random.random() < 0.1, ends=random.random() < 0.85)


def _fault(random: Random) -> tuple[str, dict[str, Any]]:
    """A fault that passes: of any call that writes, or that reads."""
    system = random.choice(["customerp", "exact"])
    lists = {"customerp": "^/\\w+$", "exact": "/sync/"}[system]
    write = {"method": "POST|PUT|PATCH", "path": "^/(?!.*token)"}
    wishes: list[dict[str, Any]] = [
        {**write, "status": 503},
        {**write, "status": 503, "after": True},
        {**write, "effect": "cut"},
        {**write, "effect": "cut", "after": True},
        {"method": "GET", "path": lists, "effect": "stale_page"},
        {"method": "GET", "path": lists, "effect": "repeated_page"},
        {"method": "GET", "path": lists, "effect": "truncated_page"},
        {"method": "GET", "path": lists, "status": 503, "times": 20},
    ]
    if system == "customerp":
        wishes.append({"method": "PATCH", "path": "^/", "status": 412})
    return system, {"times": random.randint(1, 3), "skip": random.randint(0, 4), **random.choice(wishes)}
