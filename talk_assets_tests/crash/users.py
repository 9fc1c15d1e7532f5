"""People at work in both systems, and what both systems must hold when everything is synchronised."""

import random
from dataclasses import dataclass, field
from typing import Any

from talk_assets_tests.cycle.harness import Values, World

# Each property is edited in one system only. So what both must hold in the end is the last edit, whatever was killed.
_EDITED = {"customerp.customer": ("Phone", "Website"), "exact.accounts": ("Email",)}
_ORGANISATION = ("Phone", "Website", "Email")
_PRODUCTS = 3
_LINES = 2


@dataclass
class _Thing:
    """A record that exists in both systems once it is synchronised; its name is never edited.

    Attributes:
        keys: its key per entity, as far as it is known.
        expected: what both systems must hold.
        lines: of a quote: per description of a line its expected values.
    """

    name: str
    keys: dict[str, str]
    expected: Values
    lines: dict[str, Values] = field(default_factory=dict)


class Users:
    """What people enter and edit.

    Args:
        world: where.
        draw: what and when.
        documents: whether they make quotes as well.
    """

    def __init__(self, world: World, draw: random.Random, *, documents: bool) -> None:
        self._world = world
        self._draw = draw
        self._documents = documents
        self._serial = 0
        self._organisations: list[_Thing] = []
        self._quotes: list[_Thing] = []
        self._touched: list[_Thing] = []
        self._products = [world.add("customerp.product", Number=f"P{n}", Name=f"Product {n}") for n in range(_PRODUCTS)]

    def work(self) -> None:
        """Enter and edit in both systems: a new customer, a new account, a new quote, and edits of known ones."""
        self._touched = []
        self._add_organisation("customerp.customer")
        self._add_organisation("exact.accounts")
        if self._documents:
            known = [thing for thing in self._organisations if "customerp.customer" in thing.keys]
            self._add_quote(self._draw.choice(known))
        for entity in ("customerp.customer", "exact.accounts"):
            there = [thing for thing in self._organisations if entity in thing.keys]
            for thing in self._draw.sample(there, min(2, len(there))):
                self._edit(thing, entity)
        for thing in self._draw.sample(self._quotes, min(2, len(self._quotes))):
            self._edit_quote(thing)

    def meanwhile(self) -> None:
        """Edit, while a sync is at work, something that was edited just before and may be on its way."""
        there = [thing for thing in self._touched if "customerp.customer" in thing.keys]
        self._edit(self._draw.choice(there), "customerp.customer")

    def check(self) -> None:
        """Look up everything in both systems: nothing is there twice, and every edit has arrived."""
        for thing in self._organisations:
            thing.keys = {
                "customerp.customer": self._one("customerp.customer", "Name", thing.name),
                "exact.accounts": self._one("exact.accounts", "Name", thing.name),
            }
            for entity, key in thing.keys.items():
                shown = self._world.show(entity, key)
                found = {name: shown.get(name) for name in _ORGANISATION}
                assert found == {**dict.fromkeys(_ORGANISATION), **thing.expected}, f"{entity}/{key} {thing.name}"
        for thing in self._quotes:
            thing.keys = {
                "customerp.quote": self._one("customerp.quote", "Description", thing.name),
                "exact.quotations": self._one("exact.quotations", "Description", thing.name),
            }
            for entity, key in thing.keys.items():
                assert self._world.show(entity, key)["Remarks"] == thing.expected["Remarks"], f"{entity}/{key}"
                lines = list(self._world.lines(entity, key).values())
                found = {
                    line["Description"]: {name: float(line[name]) for name in ("Quantity", "UnitPrice")}
                    for line in lines
                }
                assert (len(lines), found) == (len(thing.lines), thing.lines), f"{entity}/{key} {thing.name}"

    def _one(self, entity: str, name: str, value: str) -> str:
        found = [key for key, shown in self._world.all(entity).items() if shown.get(name) == value]
        assert len(found) == 1, f"{value} is in {entity} {len(found)} times: {found}"
        return found[0]

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _add_organisation(self, entity: str) -> None:
        name = f"Company {self._next()}"
        values: Values = {"Phone": f"0{self._next()}"}
        fixed: dict[str, Any] = {} if entity == "customerp.customer" else {"Status": "C"}
        thing = _Thing(name, {entity: self._world.add(entity, Name=name, **values, **fixed)}, values)
        self._organisations.append(thing)
        self._touched.append(thing)

    def _edit(self, thing: _Thing, entity: str) -> None:
        name, number = self._draw.choice(_EDITED[entity]), self._next()
        value = {"Phone": f"0{number}", "Website": f"https://{number}.example", "Email": f"{number}@mail.example"}[name]
        self._world.edit(entity, thing.keys[entity], **{name: value})
        thing.expected[name] = value
        self._touched.append(thing)

    def _add_quote(self, customer: _Thing) -> None:
        name = f"Quote {self._next()}"
        lines = {f"Line {self._next()}": {"Quantity": 1.0, "UnitPrice": float(n + 1)} for n in range(_LINES)}
        written = [
            {"ProductId": product, "Description": text, **values}
            for product, (text, values) in zip(self._products, lines.items(), strict=False)
        ]
        values: Values = {"Remarks": f"Remark {self._next()}"}
        key = self._world.add(
            "customerp.quote",
            CustomerId=customer.keys["customerp.customer"],
            Description=name,
            Lines=written,
            **values,
        )
        self._quotes.append(_Thing(name, {"customerp.quote": key}, values, lines))

    def _edit_quote(self, thing: _Thing) -> None:
        """Edit the head or a line in Customerp, or a line in Exact once the quote is known there."""
        number = self._next()
        text = self._draw.choice(list(thing.lines))
        kind = self._draw.choice(["head", "line", "exact line"])
        if kind == "head":
            self._world.edit("customerp.quote", thing.keys["customerp.quote"], Remarks=f"Remark {number}")
            thing.expected["Remarks"] = f"Remark {number}"
        elif kind == "line":
            self._edit_line("customerp.quote", thing, text, Quantity=float(number))
        elif "exact.quotations" in thing.keys:
            self._edit_line("exact.quotations", thing, text, UnitPrice=float(number))

    def _edit_line(self, document: str, thing: _Thing, text: str, **values: float) -> None:
        key = thing.keys[document]
        (line,) = [n for n, shown in self._world.lines(document, key).items() if shown["Description"] == text]
        self._world.edit_line(document, key, line, **values)
        thing.lines[text].update(values)
