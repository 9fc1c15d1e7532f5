"""What people did to an administration, and therefore must be in both systems; written without the engine."""

from dataclasses import dataclass, field
from typing import Any

from talk_assets_tests.cycle.harness import World
from talk_assets_tests.days.calendar import (
    CONTACT,
    CUSTOMER,
    DEAL,
    EMPLOYEE,
    LINE_PROPERTIES,
    ORDER,
    PRODUCT,
    PROPERTIES,
    QUOTATION,
    QUOTE,
    SALESORDER,
    Act,
)

_ENTITIES = {
    CUSTOMER: ("customerp.customer", "exact.accounts"),
    CONTACT: ("customerp.contact", "exact.contacts"),
    EMPLOYEE: ("customerp.employee", "exact.contacts"),
    PRODUCT: ("customerp.product", "exact.items"),
}
# Names of the properties in each system, by kind of thing.
_NAMES: dict[str, dict[str, tuple[str, str]]] = {
    CUSTOMER: {"name": ("Name", "Name"), "phone": ("Phone", "Phone"), "website": ("Website", "Website")},
    CONTACT: {n: (o, o) for n, o in [("middle_name", "MiddleName"), ("phone", "Phone"), ("mobile", "Mobile")]},
    PRODUCT: {
        "name": ("Name", "Description"),
        "description": ("Description", "ExtraDescription"),
        "code": ("Number", "Code"),
    },
    DEAL: {"description": ("Description", "Description"), "remarks": ("Remarks", "Remarks")},
}
_NAMES[EMPLOYEE] = _NAMES[CONTACT]
# Decided together.
_ADDRESS = (("Address1", "AddressLine1"), ("ZipCode", "Postcode"), ("City", "City"))
_CONTACT_OF = {QUOTE: "ContactId", ORDER: "ContactId", QUOTATION: "OrderAccountContact"}
_CONTACT_OF[SALESORDER] = "OrderedByContactPerson"
_LINE_NAMES = {"quantity": "Quantity", "unit_price": "UnitPrice"}
_PRODUCT_OF = {"customerp": "ProductId", "exact": "Item"}


# Who wrote something, what, and as the how manieth act.
Said = tuple[str, str, int]
# Who wrote what is there since everything was settled.
_AGREED = "agreed"


@dataclass
class Thing:
    """Something that both systems are to have.

    Attributes:
        kind: what it is.
        owner: of contacts and deals the customer.
        keys: entity to the record in which it is, as far as people have seen it.
        said: property to what was written into it since all was settled; at least what was agreed.
        saved: entity to the last act by which its record, or a line of it, was saved.
        lines: of a deal, its lines by name, each for the members that it is in.
    """

    kind: str
    owner: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    said: dict[str, list[Said]] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)
    lines: dict[str, "Line"] = field(default_factory=dict)


@dataclass
class Line:
    """A line, as a thing; `of_quote` says whether it is one of the quote and its quotation."""

    of_quote: bool
    said: dict[str, list[Said]] = field(default_factory=dict)


class Facts:
    """People at both systems, and what they wrote."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.things: dict[str, Thing] = {}
        self.done: list[str] = []
        self._acts = 0

    def act(self, act: Act) -> None:
        """Do what somebody does, and remember it; what cannot be done is left out."""
        self._acts += 1
        if act.kind.startswith("add") and act.kind != "add line":
            done = self._add(act)
        else:
            thing = self.things.get(act.thing.partition("/")[0])
            done = thing is not None and getattr(self, "_" + act.kind.replace(" ", "_"))(act, thing)
        if done:
            self.done.append(str(act))

    def _note(self, thing: Thing, entity: str, said: dict[str, list[Said]], **values: str) -> None:
        """Remember what somebody wrote into a thing, or a line of it."""
        thing.saved[entity] = self._acts
        for about, value in values.items():
            said.setdefault(about, []).append((entity, value, self._acts))

    # What people do.

    def _add(self, act: Act) -> bool:
        kind = act.about if act.about in _NAMES else DEAL
        owner = self.things.get(act.value)
        product = self._product(act.product, "customerp")
        if (kind in (CONTACT, DEAL) and owner is None) or (kind == DEAL and product is None):
            return False
        thing = self.things[act.thing] = Thing(kind, act.value)
        number = act.thing.removeprefix(kind)
        ours: dict[str, Any] = {
            CUSTOMER: {"Name": act.thing, "OrganizationNumber": f"1000{number.zfill(4)}"},
            CONTACT: {"FirstName": "Con", "LastName": act.thing, "Email": f"{act.thing}@example.nl"},
            EMPLOYEE: {"FirstName": "Emp", "LastName": act.thing, "Email": f"{act.thing}@employer.nl"},
            PRODUCT: {"Number": act.thing, "Name": act.thing},
            DEAL: {"CustomerReference": act.thing, "Currency": "EUR"},
        }[kind]
        own = act.about if kind == DEAL else _ENTITIES[kind][0]
        if owner is not None:
            ours["CustomerId"] = owner.keys["customerp.customer"]
        if kind == DEAL:
            ours["Lines"] = [self._first_line(act, thing, own, str(product))]
        thing.keys[own] = self.world.add(own, **ours)
        named = {CUSTOMER: {"name": act.thing}, PRODUCT: {"name": act.thing, "code": act.thing}}
        self._note(thing, own, thing.said, **named.get(kind, {}))
        if act.kind == "add on both sides":
            self._add_in_exact(act, thing, kind, own, number)
        return True

    def _add_in_exact(self, act: Act, thing: Thing, kind: str, own: str, number: str) -> None:
        if kind == CUSTOMER:
            values: dict[str, Any] = {"Name": act.thing, "ChamberOfCommerce": f"1000{number.zfill(4)}", "Status": "C"}
            thing.keys["exact.accounts"] = self.world.add("exact.accounts", **values)
        elif kind == PRODUCT:
            values = {"Code": act.thing, "Description": act.thing, "IsSalesItem": True}
            thing.keys["exact.items"] = self.world.add("exact.items", **values)
        else:
            account, item = self.things[act.value].keys.get("exact.accounts"), self._product(act.product, "exact")
            if account is None or item is None:
                return
            other, whose, its = (QUOTATION, "OrderAccount", "QuotationLines")
            if own == ORDER:
                other, whose, its = (SALESORDER, "OrderedBy", "SalesOrderLines")
            values = {whose: account, "YourRef": act.thing, "Currency": "EUR"}
            values[its] = [self._first_line(act, thing, other, item)]
            thing.keys[other] = self.world.add(other, **values)

    def _first_line(self, act: Act, thing: Thing, entity: str, product: str) -> dict[str, Any]:
        name = f"{act.thing}/ordered" if act.kind == "order" else f"{act.thing}/1"
        line = thing.lines.setdefault(name, Line(act.about == QUOTE))
        self._note(thing, entity, line.said, quantity="1", unit_price="2", product=act.product)
        side = "exact" if entity.startswith("exact") else "customerp"
        return {_PRODUCT_OF[side]: product, "Description": name, "Quantity": 1, "UnitPrice": 2}

    def _order(self, act: Act, thing: Thing) -> bool:
        product = self._product(act.product, "customerp")
        if thing.kind != DEAL or QUOTE not in thing.keys or ORDER in thing.keys or product is None:
            return False
        at = {"CustomerId": self.things[thing.owner].keys["customerp.customer"], "QuoteId": thing.keys[QUOTE]}
        shown = self.world.show(QUOTE, thing.keys[QUOTE])
        copied = {n: shown[n] for n in ("Description", "Remarks", "ContactId", "Currency") if shown.get(n)}
        lines = [self._first_line(act, thing, ORDER, product)]
        thing.keys[ORDER] = self.world.add(ORDER, **at, **copied, CustomerReference=act.thing, Lines=lines)
        # What is copied is a claim like any other, newer than what somebody may have written elsewhere meanwhile.
        for about, (name, _) in _NAMES[DEAL].items():
            if copied.get(name):
                self._note(thing, ORDER, thing.said, **{about: str(copied[name])})
        if "ContactId" in copied:
            named = self._name(CONTACT, "customerp.contact", copied["ContactId"])
            self._note(thing, ORDER, thing.said, contact=named)
        return True

    def _touch(self, act: Act, thing: Thing) -> bool:
        """Save a record without a change: its time is new."""
        entity = self._member(thing, act.member)
        self.world.edit(entity, thing.keys[entity])
        self._note(thing, entity, thing.said)
        return True

    def _edit(self, act: Act, thing: Thing) -> bool:
        entity = self._member(thing, act.member)
        side = int(entity.startswith("exact"))
        if act.about not in PROPERTIES[thing.kind]:
            return False
        value = act.value
        if act.about == "contact":
            found = self._contact(act.value, thing, side)
            if found is None:
                return False
            values = {_CONTACT_OF[entity]: found}
        elif act.about == "address":
            values = {names[side]: f"{n}{value}" for n, names in enumerate(_ADDRESS)}
        else:
            if act.about == "code":
                value = f"{act.thing}-{act.value}"
            if act.about == "name":
                value = f"{act.thing} {act.value}"
            values = {_NAMES[thing.kind][act.about][side]: value}
        self.world.edit(entity, thing.keys[entity], **values)
        self._note(thing, entity, thing.said, **{act.about: value})
        return True

    def _add_line(self, act: Act, thing: Thing) -> bool:
        entity = self._member(thing, act.member)
        side = "exact" if entity.startswith("exact") else "customerp"
        product = self._product(act.value, side)
        if product is None or act.thing in thing.lines or self._doubtful(thing, entity, act.value):
            return False
        values = {_PRODUCT_OF[side]: product, "Description": act.thing, "Quantity": 1, "UnitPrice": 2}
        self.world.add_line(entity, thing.keys[entity], **values)
        line = thing.lines[act.thing] = Line(QUOTE in thing.keys and entity in (QUOTE, QUOTATION))
        self._note(thing, entity, line.said, quantity="1", unit_price="2", product=act.value)
        return True

    def _edit_line(self, act: Act, thing: Thing) -> bool:
        entity = self._member(thing, act.member)
        side = "exact" if entity.startswith("exact") else "customerp"
        line = thing.lines.get(act.thing)
        at = self._line_keys(thing, entity).get(act.thing)
        if line is None or at is None:
            return False
        if act.about == "product":
            product = self._product(act.value, side)
            if product is None or self._doubtful(thing, entity, act.value):
                return False
            # Exact describes a line anew where its item changes, unless it is told.
            values: dict[str, Any] = {_PRODUCT_OF[side]: product, "Description": act.thing}
        else:
            values = {_LINE_NAMES[act.about]: int(act.value)}
        self.world.edit_line(entity, thing.keys[entity], at, **values)
        self._note(thing, entity, line.said, **{act.about: act.value})
        return True

    # Where things are.

    @staticmethod
    def _doubtful(thing: Thing, entity: str, product: str) -> bool:
        """Whether somebody has just put a line about this product elsewhere: which are the same, a person must say."""
        new = [entry for line in thing.lines.values() for entry in line.said["product"] if entry[0] != _AGREED]
        return any(who != entity and value == product for who, value, _ in new)

    @staticmethod
    def _member(thing: Thing, number: int) -> str:
        entities = sorted(thing.keys)
        return entities[number % len(entities)]

    def _contact(self, name: str, deal: Thing, side: int) -> str | None:
        """Key of a contact of the deal's customer in a system."""
        contact = self.things.get(name)
        if contact is None or contact.owner != deal.owner:
            return None
        return contact.keys.get(_ENTITIES[CONTACT][side])

    def _product(self, name: str, system: str) -> str | None:
        product = self.things.get(name)
        return None if product is None else product.keys.get(_ENTITIES[PRODUCT][int(system == "exact")])

    def _name(self, kind: str, entity: str, key: object) -> str:
        return next((n for n, t in self.things.items() if t.kind == kind and t.keys.get(entity) == key), str(key))

    def _line_keys(self, thing: Thing, entity: str) -> dict[str, str]:
        shown = self.world.lines(entity, thing.keys[entity])
        return {str(line.get("Description")): key for key, line in shown.items()}

    # What must be there when everything is settled.

    def look(self) -> None:
        """See where everything is by now."""
        for thing in self.things.values():
            entities = [QUOTE, ORDER, QUOTATION, SALESORDER] if thing.kind == DEAL else _ENTITIES[thing.kind]
            own = sorted(thing.keys)[0]
            for entity in entities:
                found = self.world.partner(own, thing.keys[own], entity) if entity != own else thing.keys[own]
                if found is not None:
                    assert thing.keys.setdefault(entity, found) == found, (thing, entity, found)

    def problems(self) -> list[str]:
        """What is not as it must be."""
        self.look()
        found = self._counts()
        for name, thing in self.things.items():
            expected = [QUOTATION] if QUOTE in thing.keys else []
            expected += [QUOTATION, SALESORDER] if ORDER in thing.keys else []
            expected = expected if thing.kind == DEAL else [_ENTITIES[thing.kind][1]]
            absent = [entity for entity in expected if entity not in thing.keys]
            if absent:
                found.append(f"{name} is not in {absent}")
                continue
            shown = {entity: self._shown(thing, entity) for entity in thing.keys}
            for about, said in thing.said.items():
                values = {entity: held[about] for entity, held in shown.items()}
                found += self._judge(f"{name} {about}", values, said, thing)
            found += self._lines(name, thing)
        return found

    def settled(self) -> None:
        """From now on, what was agreed is what the next edit meets."""
        for thing in self.things.values():
            shown = self._shown(thing, sorted(thing.keys)[0])
            thing.said = {about: [(_AGREED, shown[about], 0)] for about in thing.said}
            for line_name, line in thing.lines.items():
                entity = next(e for e in thing.keys if self._has(thing, e, line))
                held = self._shown_lines(thing, entity)[line_name]
                line.said = {about: [(_AGREED, held[about], 0)] for about in line.said}

    @staticmethod
    def _judge(what: str, values: dict[str, str], said: list[Said], thing: Thing) -> list[str]:
        if len(set(values.values())) > 1:
            return [f"{what} differs: {values}; said: {said}"]
        (value,) = set(values.values())
        who, latest, at = said[-1]
        # The latest wins. Of a record only the time of the whole is known: one that was saved again counts as later.
        # Who puts a value back has written nothing that could be seen.
        back = any(text == latest and entity in (_AGREED, who) for entity, text, _ in said[:-1])
        later = {entity for entity, saved in thing.saved.items() if entity != who and (saved > at or back)}
        allowed = {latest} | {text for entity, text, _ in said if entity in later}
        return [] if value in allowed else [f"{what} is {value!r} everywhere; said: {said}"]

    def _counts(self) -> list[str]:
        kinds = [thing.kind for thing in self.things.values()]
        quotes = sum(QUOTE in thing.keys for thing in self.things.values())
        orders = sum(ORDER in thing.keys for thing in self.things.values())
        expected = {
            "customerp.customer": kinds.count(CUSTOMER),
            "exact.accounts": kinds.count(CUSTOMER) + 1,
            "customerp.contact": kinds.count(CONTACT),
            "customerp.employee": kinds.count(EMPLOYEE),
            "exact.contacts": kinds.count(CONTACT) + kinds.count(EMPLOYEE),
            "customerp.product": kinds.count(PRODUCT),
            "exact.items": kinds.count(PRODUCT),
            QUOTE: quotes,
            ORDER: orders,
            QUOTATION: kinds.count(DEAL),
            SALESORDER: orders,
        }
        counted = {entity: len(self.world.all(entity)) for entity in expected}
        return [f"{e}: {counted[e]} records instead of {n}" for e, n in expected.items() if counted[e] != n]

    def _shown(self, thing: Thing, entity: str) -> dict[str, str]:
        side = int(entity.startswith("exact"))
        record = self.world.show(entity, thing.keys[entity])
        shown = {about: str(record.get(names[side]) or "") for about, names in _NAMES[thing.kind].items()}
        if thing.kind == CUSTOMER:
            parts = [str(record.get(names[side]) or "")[1:] for names in _ADDRESS]
            shown["address"] = parts[0] if len(set(parts)) == 1 else str(parts)
        if thing.kind == DEAL:
            key = record.get(_CONTACT_OF[entity])
            shown["contact"] = self._name(CONTACT, _ENTITIES[CONTACT][side], key) if key else ""
        return shown

    def _shown_lines(self, thing: Thing, entity: str) -> dict[str, dict[str, str]]:
        side = "exact" if entity.startswith("exact") else "customerp"
        found = {}
        for line in self.world.lines(entity, thing.keys[entity]).values():
            product = self._name(PRODUCT, _ENTITIES[PRODUCT][int(side == "exact")], line[_PRODUCT_OF[side]])
            numbers = {about: f"{float(line[name]):g}" for about, name in _LINE_NAMES.items()}
            name = str(line.get("Description"))
            assert name not in found, f"{name} is twice in {entity}/{thing.keys[entity]}"
            found[name] = {"product": product, **numbers}
        return found

    @staticmethod
    def _has(thing: Thing, entity: str, line: Line) -> bool:
        if entity == QUOTATION:
            return line.of_quote or QUOTE not in thing.keys
        return line.of_quote == (entity == QUOTE)

    def _lines(self, name: str, thing: Thing) -> list[str]:
        if thing.kind != DEAL:
            return []
        try:
            shown = {entity: self._shown_lines(thing, entity) for entity in thing.keys}
        except AssertionError as error:
            return [f"{name}: {error}"]
        found = []
        for entity, lines in shown.items():
            expected = {n for n, line in thing.lines.items() if self._has(thing, entity, line)}
            if set(lines) != expected:
                found.append(f"{name}: {entity} has the lines {sorted(lines)} instead of {sorted(expected)}")
        if found:
            return found
        for line_name, line in thing.lines.items():
            for about in LINE_PROPERTIES:
                values = {e: lines[line_name][about] for e, lines in shown.items() if line_name in lines}
                found += self._judge(f"{line_name} {about}", values, line.said[about], thing)
        return found
