"""Customerp's records, changed the way Customerp itself changes them.

Everything that writes goes through here: the contract's paths, the admin paths and the seeding of made-up data.
A body is kept without its empty values, decimals as text with all their digits.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from talk_assets.sandbox.customerp.entities import ENTITIES, Entity, record_key
from talk_assets.sandbox.customerp.problems import Fault, Problem, bad_request, invalid, not_found
from talk_assets.sandbox.customerp.validation import faults
from talk_assets.sandbox.store import Store, Stored

SYSTEM = "customerp"
DIVISION = "main"
Values = dict[str, Any]
_TOKEN = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the changes.

    Attributes:
        items: in order of change.
        next: token of the following page, None on the last one.
        token: token for the next reading.
    """

    items: list[Values]
    next: str | None
    token: str


class CustomerpState:
    """The records of Customerp. Methods raise `Problem` for what Customerp refuses.

    Args:
        store: where the records are kept.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, entity: Entity, key: str) -> Values:
        """A record as it is read."""
        return _shown(entity, self.stored(entity, key))

    def has(self, entity: Entity, key: str) -> bool:
        """Whether there is such a record."""
        return self._exists(entity.name, key)

    def stored(self, entity: Entity, key: str) -> Stored:
        """A record as it is kept."""
        stored = self.store.get(SYSTEM, DIVISION, entity.name, key)
        if stored is None:
            raise not_found(entity.name, key)
        return stored

    def changes(self, entity: Entity, since: str | None, limit: int) -> Page:
        """The records that changed after a token, each in its present state."""
        start, last = self._position(since), self.store.last_sequence(SYSTEM, DIVISION)
        found = self.store.changed_since(SYSTEM, DIVISION, [entity.name], start, limit + 1)
        return _page(found, limit, last, lambda stored: _shown(entity, stored))

    def deletions(self, since: str | None, limit: int) -> Page:
        """What was removed after a token, of all entities."""
        start, last = self._position(since), self.store.last_sequence(SYSTEM, DIVISION)
        found = self.store.deleted_since(SYSTEM, DIVISION, list(ENTITIES), start, limit + 1)
        return _page(found, limit, last, _removed)

    def create(
        self,
        entity: Entity,
        given: Values,
        *,
        key: str | None = None,
        checked: bool = True,
        modified: datetime | None = None,
    ) -> Values:
        """Create a record, a document with its lines.

        Args:
            entity: what is created.
            given: its properties.
            key: to use instead of a new one.
            checked: whether values are held against the contract's rules; names always are.
            modified: aware moment that becomes its time of change, instead of now.
        """
        with self.store.transaction():
            body = {name: value for name, value in given.items() if name != "Lines"}
            if body.get("Number") is None and entity.numbering is not None:
                body["Number"] = self._free_number(entity, entity.numbering)
            if entity.lines is not None:
                body["Lines"] = []
            body = self._saved(entity, given, body, None, checked=checked)
            if key is None:
                key = record_key(entity.name, self.store.next_number(_counter(entity.name)))
            else:
                self._lift(entity.name, key)
            try:
                return _shown(entity, self.store.insert(SYSTEM, DIVISION, entity.name, key, body, modified))
            except ValueError:
                raise Problem(409, f"The key {key} belongs or belonged to another {entity.name}.") from None

    def change(
        self,
        entity: Entity,
        key: str,
        given: Values,
        *,
        if_match: str | None = None,
        checked: bool = True,
        modified: datetime | None = None,
    ) -> Values:
        """Change the named properties of a record; `Lines` is merged by `Id`. Further arguments as of `create`.

        Args:
            entity: what is changed.
            key: of the record.
            given: the properties that change; None clears.
            if_match: entity tags of which the record's must be one.
            checked: see `create`.
            modified: see `create`.
        """
        with self.store.transaction():
            stored = self.stored(entity, key)
            _check_version(stored, if_match)
            body = stored.body | {name: value for name, value in given.items() if name != "Lines"}
            body = self._saved(entity, given, body, key, checked=checked)
            return _shown(entity, self.store.update(SYSTEM, DIVISION, entity.name, key, body, modified))

    def remove(self, entity: Entity, key: str, *, if_match: str | None = None) -> None:
        """Remove a record that nothing refers to any more."""
        with self.store.transaction():
            _check_version(self.stored(entity, key), if_match)
            referrer = self._referrer(entity.name, key)
            if referrer is not None:
                raise Problem(409, f"The {entity.name} {key} is still referred to by {referrer.entity} {referrer.key}.")
            self.store.delete(SYSTEM, DIVISION, entity.name, key)

    def restore(self, entity: Entity, key: str, values: Values, lines: Sequence[Values], modified: datetime) -> None:
        """Store a record under its own key without checking it, as data that is older than the rules.

        Raises:
            ValueError: the key is in use.
        """
        body = _kept(values)
        if entity.lines is not None:
            body["Lines"] = [_kept(line) for line in lines]
            for line in lines:
                self._lift(entity.lines.name, line["Id"])
        self._lift(entity.name, key)
        self._lift_numbering(entity, str(values.get("Number")))
        self.store.insert(SYSTEM, DIVISION, entity.name, key, body, modified)

    def _position(self, token: str | None) -> int:
        if token is None:
            return 0
        number = int(token) if _TOKEN.fullmatch(token) else None
        if number is None or number > self.store.last_sequence(SYSTEM, DIVISION):
            raise bad_request("since: not a change token of this server.")
        return number

    def _saved(self, entity: Entity, given: Values, body: Values, key: str | None, *, checked: bool) -> Values:
        """The body to keep, with merged lines.

        Raises:
            Problem: 422 with all properties at fault, or 409 when the number is taken.
        """
        found = self._faults(entity, given, body, checked=checked)
        if entity.lines is not None and "Lines" in given:
            lines, line_faults = self._merged(entity.lines, body["Lines"], given["Lines"], checked=checked)
            body["Lines"] = lines
            found += line_faults
        if found:
            raise invalid(entity.name, found)
        number = body.get("Number") if "Number" in given else None
        same = self.store.find(SYSTEM, DIVISION, entity.name, "Number", number) if number is not None else []
        if checked and any(other.key != key for other in same):
            raise Problem(409, f"Number {number} belongs to another {entity.name}.")
        return _kept(body)

    def _faults(self, entity: Entity, given: Mapping[str, Any], whole: Values, *, checked: bool) -> list[Fault]:
        if checked:
            return faults(entity, given, whole, self._exists)
        known = {*entity.properties, *(["Lines"] if entity.lines is not None else [])}
        return [(name, f"A {entity.name} has no property {name}.") for name in given if name not in known]

    def _merged(
        self, entity: Entity, lines: list[Values], given: Any, *, checked: bool
    ) -> tuple[list[Values], list[Fault]]:
        """A document's lines after a write: named by `Id` they change, without `Id` they are added."""
        if not (isinstance(given, list) and all(isinstance(line, dict) for line in given)):
            return lines, [("Lines", "Lines must be a list of objects.")]
        merged = {line["Id"]: dict(line) for line in lines}
        found: list[Fault] = []
        for place, change in enumerate(given):
            values = {name: value for name, value in change.items() if name != "Id"}
            key = change.get("Id")
            if key is None:
                key = record_key(entity.name, self.store.next_number(_counter(entity.name)))
                last = max(map(_place, merged.values()), default=0)
                merged[key] = {"Id": key, "Position": last + 1}
            elif not isinstance(key, str) or key not in merged:
                found.append((f"Lines[{place}].Id", f"The document has no line {key}."))
                continue
            whole = merged[key] | {name: value for name, value in values.items() if name != "Position" or value}
            merged[key] = whole
            problems = self._faults(entity, values, whole, checked=checked)
            found += [(f"Lines[{place}].{name}", detail) for name, detail in problems]
        if found:
            return lines, found
        ordered = sorted(merged.values(), key=_place)
        return [_kept(line) for line in ordered], []

    def _exists(self, entity: str, key: str) -> bool:
        return self.store.get(SYSTEM, DIVISION, entity, key) is not None

    def _referrer(self, referred: str, key: str) -> Stored | None:
        for entity in ENTITIES.values():
            for name, prop in entity.properties.items():
                if prop.refers_to == referred:
                    found = self.store.find(SYSTEM, DIVISION, entity.name, name, key)
                    if found:
                        return found[0]
            if entity.lines is not None and referred == "product":
                for document in self.store.list(SYSTEM, DIVISION, entity.name):
                    if any(line.get("ProductId") == key for line in document.body["Lines"]):
                        return document
        return None

    def _free_number(self, entity: Entity, form: str) -> str:
        while True:
            number = form.format(self.store.next_number(_numbers(entity)))
            if not self.store.find(SYSTEM, DIVISION, entity.name, "Number", number):
                return number

    def _lift(self, entity: str, key: str) -> None:
        """Let the keys go on after one that was given from outside."""
        number = _last_digits(key)
        if number is not None:
            self.store.lift_number(_counter(entity), number)

    def _lift_numbering(self, entity: Entity, number: str) -> None:
        """Let the numbers go on after one of the form that the server gives out itself."""
        last = _last_digits(number)
        if last is not None and entity.numbering is not None and entity.numbering.format(last) == number:
            self.store.lift_number(_numbers(entity), last)


def _numbers(entity: Entity) -> str:
    return f"{SYSTEM}/number/{entity.name}"


def _counter(entity: str) -> str:
    return f"{SYSTEM}/key/{entity}"


def _last_digits(text: str) -> int | None:
    """The number after the last hyphen, or that the whole text is."""
    last = text.rpartition("-")[2]
    return int(last) if last.isascii() and last.isdigit() else None


def _check_version(stored: Stored, if_match: str | None) -> None:
    if if_match is None:
        return
    wanted = [tag.strip() for tag in if_match.split(",")]
    if "*" not in wanted and f'"{stored.sequence}"' not in wanted:
        raise Problem(412, f"The record is now in version {stored.sequence}.")


def _place(line: Mapping[str, Any]) -> int:
    position = line.get("Position")
    return position if isinstance(position, int) else 0


def _kept(values: Mapping[str, Any]) -> Values:
    return {
        name: str(value) if isinstance(value, Decimal) else value for name, value in values.items() if value is not None
    }


def _shown(entity: Entity, stored: Stored) -> Values:
    record: Values = {"Id": stored.key, **_properties(entity, stored.body)}
    if entity.lines is not None:
        record["Lines"] = [{"Id": line["Id"], **_properties(entity.lines, line)} for line in stored.body["Lines"]]
    return {**record, "Modified": _moment(stored.modified), "Version": str(stored.sequence)}


def _properties(entity: Entity, body: Mapping[str, Any]) -> Values:
    return {
        name: _number(body.get(name)) if prop.type == "decimal" else body.get(name)
        for name, prop in entity.properties.items()
    }


def _number(kept: Any) -> Any:
    """A kept decimal as a number; text that is no number (data older than the rules) stays text."""
    if not isinstance(kept, str):
        return kept
    try:
        number = Decimal(kept)
    except InvalidOperation:
        return kept
    return number if number.is_finite() else kept


def _moment(kept: str) -> str:
    return kept.replace("+00:00", "Z")


def _removed(stored: Stored) -> Values:
    return {"Entity": stored.entity, "Id": stored.key, "DeletedAt": _moment(stored.modified)}


def _page(found: Sequence[Stored], limit: int, last: int, show: Callable[[Stored], Values]) -> Page:
    """A page of what was found, which is one record more than the page takes when there is a following one."""
    items = [show(stored) for stored in found[:limit]]
    if len(found) > limit:
        token = str(found[limit - 1].sequence)
        return Page(items, token, token)
    # `last` was read before the records: a change made in between is among them or comes with the next reading.
    return Page(items, None, str(max(last, found[-1].sequence) if found else last))
