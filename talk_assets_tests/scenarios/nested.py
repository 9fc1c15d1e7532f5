"""Lines of documents: where each side of a case keeps them, and by what they are told apart."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from talk_assets_tests.scenarios.case import Case, properties_of
from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    Words,
    listed,
    meant,
    other,
    place_of,
    plain,
    told,
)

# How a side tells its lines: they keep their ids, or have none that mean anything from one read to the next.
_IDS = {
    "stable": {
        "kept",
        "keep",
        "persistent",
        "yes",
        "true",
        "unique",
        "fixed",
        "preserved",
        "own",
        "always",
        "id",
        "ids",
        "permanent",
        "assigned",
    },
    "none": {
        "no",
        "false",
        "absent",
        "missing",
        "position",
        "positional",
        "by position",
        "index",
        "by index",
        "order",
        "by order",
        "line number",
        "content",
        "by content",
        "unstable",
        "not stable",
        "without",
        "no ids",
    },
    "renewed": {
        "regenerated",
        "renumbered",
        "reassigned",
        "volatile",
        "changing",
        "recreated",
        "not kept",
        "new on every save",
        "new on every update",
        "new on update",
    },
}
_WISH = re.compile(r"(?:(\w+)\s*)??(?:(?:keyed |matched |identified |told apart )?(?:by|on)\s+(\w+)|\((\w+)\))?")
_NO_KEY = frozenset({"position", "index", "none", "nothing", "place", "content"})
_LINE = re.compile(r"(new#\d+|[^#]+)#(\w+)")


@dataclass(frozen=True)
class LinesAt:
    """Where a side keeps the lines of its documents.

    Attributes:
        document: type of the documents.
        type: type of the lines; where they lie inside documents the other side's, or one made up.
        inside: name of the list within the document; None where lines are records of their own.
        under: of lines that are records: property that names their document.
        key: property that tells the lines of a document apart; '' where only their place does.
        stable: whether that says which line it is.
    """

    document: str
    type: str
    inside: str | None
    under: str = ""
    key: str = ""
    stable: bool = True


# Per side where the lines of one type of document are.
Nest = dict[str, LinesAt]


def nests_of(case: Case) -> list[Nest]:
    """Where lines are kept, per type of document; empty when the case has none.

    Raises:
        NotExpressible: what the rules say about lines is not understood.
    """
    found = _by_rule(case) if case.rules.get("nested") else _by_ids(case)
    return [{side: _identified(case, side, at) for side, at in nest.items()} for nest in found]


def lines_at(nests: list[Nest], side: str, type_: str) -> LinesAt | None:
    """The lines of a type of document, or of that type of line, on a side."""
    found = [nest[side] for nest in nests if side in nest]
    return next((at for at in found if type_ in (at.document, at.type)), None)


def line_parts(id_: str) -> tuple[str, str] | None:
    """Document and number of `X#n`; None for the id of a whole record."""
    found = None if re.fullmatch(r"new#\d+", id_) else _LINE.fullmatch(id_)
    return (found[1], found[2]) if found else None


def _by_rule(case: Case) -> list[Nest]:
    """From `{left/order: lines by line_no, right: order_line by line_no}`."""
    rule = case.rules["nested"]
    told_of = rule if isinstance(rule, dict) else {"both": rule}
    found: dict[str, Nest] = {}
    for key, wish in told_of.items():
        for side, document, name, by in _wishes(case, str(key), wish):
            at = _at(case, side, document, name, by)
            found.setdefault(at.document, {})[side] = at
    if len(found) == 2 and all(len(nest) == 1 for nest in found.values()):
        # Documents of another type on either side.
        one, two = found.values()
        found = {next(iter(found)): {**one, **two}} if set(one) != set(two) else found
    nests = [_completed(case, nest) for nest in found.values()]
    return [_named_alike(nest) for nest in nests]


def _wishes(case: Case, key: str, wish: Any) -> Iterator[tuple[str, str | None, str, str]]:
    """Side, type of document, name of the list or type, and key of the lines."""
    parts = re.split(r"[/.]", key)
    within = parts.pop() if len(parts) == 3 else None
    place = place_of("/".join(parts), case.types)
    if place is None:
        raise NotExpressible(f"nested: {key} names no side or type")
    if isinstance(wish, dict):
        words = Words(wish, "nested")
        name = words.take("list", "lines", "property", "name", "in", "inside", "type", default=within)
        by = words.take("by", "key", "line_key", "id", default="")
        document = words.take("document", "parent", "of", "under", default=place.type)
        words.done()
    else:
        found = _WISH.fullmatch(str(wish).strip())
        if found is None:
            raise NotExpressible(f"nested: {key}: {wish}")
        name, by, document = found[1] or within, found[2] or found[3] or "", place.type
        if within is not None and found[1] and not by:
            # {left/order/lines: line_no}
            name, by = within, found[1]
    if not name:
        raise NotExpressible(f"nested: {key}: {wish}: no list and no type of lines is named")
    for side in [place.side] if place.side else list(SYSTEMS):
        yield side, document, str(name), "" if str(by) in _NO_KEY else str(by)


def _at(case: Case, side: str, document: str | None, name: str, by: str) -> LinesAt:
    apart = name in case.records[side] or (name in case.types and not _lists(case, side, document, name))
    if not apart:
        holding = [type_ for type_, rows in case.records[side].items() if any(name in row for row in rows)]
        found = document or (holding[0] if holding else None)
        if found is None:
            raise NotExpressible(f"nested: no document on the {side} has a list {name}")
        return LinesAt(found, f"{found}_line", name, key=by)
    found = document or _document_of(case, side, name)
    if found is None:
        raise NotExpressible(f"nested: no document type for {name} on the {side}")
    return LinesAt(found, name, None, under=_under(case, side, name, found), key=by)


def _lists(case: Case, side: str, document: str | None, name: str) -> bool:
    rows = case.records[side].get(document or "", [])
    return any(isinstance(row.get(name), list) for row in rows)


def _document_of(case: Case, side: str, lines: str) -> str | None:
    """The type that lines which are records point to: by a property of its name, or by their own name."""
    shown = {name for row in case.records[side].get(lines, []) for name in properties_of(row)}
    types = [type_ for type_ in case.types if type_ != lines]
    named = [type_ for type_ in types if type_ in shown] or [type_ for type_ in types if lines.startswith(type_)]
    return max(named, key=len) if named else None


def _under(case: Case, side: str, lines: str, document: str) -> str:
    """The property by which lines that are records name their document."""
    rows = [properties_of(row) for row in case.records[side].get(lines, [])]
    if not rows or any(document in row for row in rows):
        return document
    ids = {str(row["id"]) for row in case.records[side].get(document, [])}
    for name in rows[0]:
        if all(str(row.get(name)) in ids for row in rows):
            return name
    raise NotExpressible(f"nested: no property of {side}/{lines} names its {document}")


def _completed(case: Case, nest: Nest) -> Nest:
    """Where only one side is told: the other one, as its records show it."""
    if len(nest) == 2:
        return nest
    (side, at) = next(iter(nest.items()))
    far = other(side)
    apart = [type_ for type_ in case.records[far] if _document_of(case, far, type_) == at.document]
    if at.inside and (_lists(case, far, at.document, at.inside) or not apart):
        return {**nest, far: replace(at)}
    if not apart:
        raise NotExpressible(f"nested: where are the lines of {at.document} on the {far}?")
    return {**nest, far: replace(_at(case, far, at.document, apart[0], at.key))}


def _named_alike(nest: Nest) -> Nest:
    """Lines inside documents have the type of those that are records on the other side."""
    apart = [at.type for at in nest.values() if at.inside is None]
    return {side: replace(at, type=apart[0]) if apart and at.inside else at for side, at in nest.items()}


def _by_ids(case: Case) -> list[Nest]:
    """Lines that only `line_ids` speaks of: lists within documents, or records whose ids mean nothing."""
    rule = case.rules.get("line_ids")
    if rule is None:
        return []
    nests: list[Nest] = []
    for side in SYSTEMS:
        for type_, rows in case.records[side].items():
            lists = {n for row in rows for n, v in row.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
            if lists and not lines_at(nests, side, type_):
                at = LinesAt(type_, f"{type_}_line", sorted(lists)[0])
                nests.append(_named_alike(_completed(case, {side: at})))
    if nests:
        return nests
    flat = [(type_, _document_of(case, side, type_)) for side in SYSTEMS for type_ in case.records[side]]
    pairs = dict.fromkeys((lines, document) for lines, document in flat if document and _points(case, lines, document))
    if not pairs:
        raise NotExpressible("line_ids: the case shows no lines")
    if all(_says(told(rule, side, lines, case.types)) == "stable" for lines, _ in pairs for side in SYSTEMS):
        # Then they are records like any other.
        return []
    return [
        {side: LinesAt(document, lines, None, under=_under(case, side, lines, document)) for side in SYSTEMS}
        for lines, document in pairs
    ]


def _points(case: Case, lines: str, document: str) -> bool:
    return any(document in row for side in SYSTEMS for row in case.records[side].get(lines, []))


def _says(wish: Any) -> str:
    # A property may be named that holds the id.
    known = any(plain(wish) in spellings for spellings in _IDS.values())
    return "stable" if wish is None or (_is_name(str(wish)) and not known) else meant(wish, _IDS, "line_ids")


def _is_name(wish: str) -> bool:
    return "_" in wish or wish.endswith(("id", "no", "nr", "number", "key", "code"))


def _identified(case: Case, side: str, at: LinesAt) -> LinesAt:
    """What the rules `line_key` and `line_ids` say of the lines of a side."""
    keyed = at
    if not at.key and "line_key" in case.rules:
        names = listed(_of(case, "line_key", side, at))
        own = [str(name) for name in names if str(name) not in (at.under, at.document)]
        keyed = replace(at, key=own[0]) if len(own) == 1 else at
    wish = _of(case, "line_ids", side, at)
    if wish is None:
        return keyed
    says = _says(wish)
    if says == "renewed" and at.inside is None:
        raise NotExpressible(f"line_ids: {wish}: what the lines of {side}/{at.document} are called later is not told")
    if says == "none" or (says == "renewed" and not keyed.key):
        return replace(keyed, stable=False)
    named = str(wish) if _is_name(str(wish)) and str(wish) not in _IDS["stable"] else ""
    return replace(keyed, key=keyed.key or named)


def _of(case: Case, rule: str, side: str, at: LinesAt) -> Any:
    found = told(case.rules.get(rule), side, at.type, case.types)
    return found if found is not None else told(case.rules.get(rule), side, at.document, case.types)


class LineNumbers:
    """The numbers of lines inside documents: their own where they have one, otherwise in the order of being seen.

    Lines that nothing tells apart are known again by what they hold, and the others by their place.
    """

    def __init__(self) -> None:
        self._given: dict[str, dict[tuple[Any, int], int]] = {}
        self._seen: dict[str, dict[int, str]] = {}

    def keys(self, document: str, lines: Sequence[Values], name: str) -> list[str]:
        """The key of each line of a document, of which the property `name` tells one from another."""
        if not name:
            return [f"{document}#{number}" for number in self._known_again(document, lines)]
        seen: Counter[Any] = Counter()
        given = self._given.setdefault(document, {})
        found = []
        for line in lines:
            seen[line.get(name)] += 1
            own, nth = line.get(name), seen[line.get(name)]
            wanted = own if isinstance(own, int) and nth == 1 else max(given.values(), default=0) + 1
            found.append(f"{document}#{given.setdefault((own, nth), wanted)}")
        return found

    def _known_again(self, document: str, lines: Sequence[Values]) -> list[int]:
        before = self._seen.setdefault(document, {})
        shown = [json.dumps(line, sort_keys=True, default=str) for line in lines]
        left, found = dict(before), dict[int, int]()
        for place, content in enumerate(shown):
            equal = [number for number, known in left.items() if known == content]
            if equal:
                found[place] = min(equal, key=lambda number: abs(number - 1 - place))
                left.pop(found[place])
        rest = iter(sorted(left))
        highest = max(before, default=0)
        for place in range(len(shown)):
            if place not in found:
                number = next(rest, None)
                highest += number is None
                found[place] = number or highest
        self._seen[document] = {found[place]: content for place, content in enumerate(shown)}
        return [found[place] for place in range(len(shown))]
