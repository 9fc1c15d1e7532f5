"""What events say about records, before anything happens: which record, and what it is to hold."""

from collections.abc import Iterator

from talk_assets_tests.scenarios.case import Case, properties_of
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, Words, listed, place_of, plain

# Words that say what a record is to hold, of one meaning.
HOLDS = ("set", "values", "record", "with", "properties", "fields", "changes")
_EDIT = ("edit", "update", "change")
_CREATE = ("create", "add")
_LATE = ("deliver_late", "late")
_BETWEEN = ("between_read_and_write", "between_check_and_write")
_DELETED = ("deleted", "removed", "is_deleted", "_deleted", "tombstone", "gone")


def flat(events: list[Values]) -> Iterator[Values]:
    """Events in order, those that happen during a sync included."""
    for event in events:
        yield event
        for word in _BETWEEN:
            yield from flat([each for each in listed(event.get(word)) if isinstance(each, dict)])


def member_said(words: Words, types: frozenset[str], *names: str) -> tuple[str, str, str | None]:
    """The record that an event names: `edit: left/contact/L1`, or in parts `create: left/contact, id: L9`.

    Returns:
        Side, type, and the id where one is named.

    Raises:
        NotExpressible: side or type is not named.
    """
    said = words.take(*names)
    parts = str(said).split("/", 2)
    if isinstance(said, dict) or parts[0] not in SYSTEMS:
        # `create: L9, type: left/contact`, `create: contact, side: left`
        place = words.take("type", "at", "in", "on", "into", "place")
        side = words.take("side", "system")
        named = place_of(place if place is not None else said, types)
        found = side or (named.side if named else None)
        type_ = named.type if named else (str(place) if place is not None else None)
        id_ = str(said) if isinstance(said, str) and place is not None and str(said) != str(place) else None
        if found not in SYSTEMS or not type_:
            raise NotExpressible(f"{said!r} names no record of the form side/type/id")
        return found, type_, id_ or words.take("id", "key")
    if len(parts) == 1:
        type_ = words.take("type")
        if type_ is None:
            raise NotExpressible(f"{said!r} names no type")
        parts += str(type_).split("/")[-1:]
    id_ = parts[2] if len(parts) == 3 else words.take("id", "key")
    return parts[0], parts[1], None if id_ is None else str(id_)


def held_said(words: Words) -> Values:
    """What an event says that a record is to hold."""
    found = words.take(*HOLDS, default={}) or {}
    if not isinstance(found, dict):
        raise NotExpressible(f"{found!r} are no values of properties")
    for name in listed(words.take("clear", "empty")):
        found = {**found, str(name): None}
    return {str(name): value for name, value in found.items()}


def is_edit(event: Values) -> str | None:
    """The word by which an event is an edit."""
    return next((word for word in _EDIT if word in event), None)


def is_create(event: Values) -> str | None:
    """The word by which an event is a creation."""
    return next((word for word in _CREATE if word in event), None)


def is_late(event: Values) -> str | None:
    """The word by which an event is a late delivery."""
    return next((word for word in _LATE if word in event), None)


def created(event: Values, word: str, types: frozenset[str]) -> tuple[str, str, list[Values], Words]:
    """What a creation creates: side, type, and the records with id, times and properties; the words that are left."""
    words = Words(event, "create")
    if isinstance(event[word], dict):
        words.said["record"] = words.said[word]
    side, type_, id_ = member_said(words, types, word)
    rows = [{str(n): v for n, v in row.items()} for row in listed(words.take("records", "rows"))]
    if not rows:
        rows = [held_said(words)]
    line = words.take("line")
    beside = {name: words.take(name) for name in ("t", "pt", "version") if words.has(name)}
    found = []
    for row in rows:
        own = row.get("id") if id_ is None else id_
        if own is None:
            raise NotExpressible(f"create: the record of {side}/{type_} has no id: {event}")
        found.append({**row, **{n: v for n, v in beside.items() if v is not None}, "id": str(own)})
    if line is not None:
        found = [{**row, "id": f"{id_}#{line}"} for row in found]
    return side, type_, found, words


def returned(event: Values, case: Case) -> tuple[list[Values], list[Values]]:
    """The rows that a feed is said to return, and those of them by which it says that a record is deleted."""
    rows = event.get("returns")
    if not isinstance(rows, list):
        return [], []
    marks = [name for name in _DELETED if name not in shown_names(case)]
    there, gone = [], []
    for row in rows:
        if not isinstance(row, dict):
            continue
        said = {str(name): value for name, value in row.items()}
        mark = [said.pop(name) for name in list(said) if name in marks]
        operation = said.pop("op", None) if "op" not in shown_names(case) else None
        if any(value not in (False, None, "") for value in mark) or plain(operation) in ("delete", "deleted", "remove"):
            gone.append(said)
        else:
            there.append(said)
    return there, gone


def shown_names(case: Case) -> set[str]:
    """The properties of the records that a case begins with."""
    rows = [row for types in case.records.values() for rows in types.values() for row in rows]
    return {name for row in rows for name in properties_of(row)}


def written(case: Case) -> Iterator[tuple[str, str, str, Values]]:
    """Side, type, id and values of all that the users of a case write, and of what its feeds return."""
    for event in flat(case.events):
        edit, create, late = is_edit(event), is_create(event), is_late(event)
        if create is not None:
            side, type_, rows, _ = created(event, create, case.types)
            for row in rows:
                yield side, type_, str(row["id"]), properties_of(row)
        elif edit is not None or late is not None:
            for each in listed(event[edit or str(late)]):
                words = Words({**event, "edit": each}, "edit")
                side, type_, id_ = member_said(words, case.types, "edit")
                line = words.take("line")
                yield side, type_, f"{id_}#{line}" if line is not None else str(id_), held_said(words)
        elif "feed" in event:
            place = place_of(event["feed"], case.types)
            if place is not None and place.side and place.type:
                for row in returned(event, case)[0]:
                    yield place.side, place.type, str(row["id"]), properties_of(row)
