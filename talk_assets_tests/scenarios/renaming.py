"""What was inserted may have got its keys in another order than a case names: `new#1` for its `new#2`."""

import re
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from talk_assets_tests.scenarios.outcome import Played
from talk_assets_tests.scenarios.words import SYSTEMS, Values

_MOST = 500
_NEW = re.compile(r"new#\d+")

# Per side from the key that a record got to the key by which a case names it.
Names = dict[str, dict[str, str]]


def renamings(wanted: dict[str, list[Values]], done: dict[str, list[Values]]) -> Iterator[Names]:
    """The ways in which the inserts that a case names can be those that were made."""
    sides = {}
    for side in SYSTEMS:
        named = [each for each in wanted.get(side, []) if each["op"] == "insert" and each["id"] is not None]
        made = [each for each in done.get(side, []) if each["op"] == "insert"]
        sides[side] = list(islice(_ways(named, made, {}), _MOST))
    for left, right in islice(product(sides["left"], sides["right"]), _MOST):
        yield {"left": left, "right": right}


def _ways(wanted: list[Values], done: list[Values], so_far: dict[str, str]) -> Iterator[dict[str, str]]:
    if not wanted:
        if len(so_far) == len(set(so_far.values())):
            yield so_far
        return
    first, *rest = wanted
    for each in done:
        if str(each["id"]) not in so_far and _alike(first, each):
            yield from _ways(rest, done, {**so_far, str(each["id"]): str(first["id"])})


def _alike(wish: Values, done: Values) -> bool:
    """Whether they may be the same insert, whatever the keys in them are called."""
    if str(wish["type"]) != str(done["type"]):
        return False
    given = done.get("set") or {}
    return all(
        _is_new(value) or str(given.get(name)) == str(value) or not isinstance(value, str)
        for name, value in (wish["set"] or {}).items()
    )


def _is_new(value: Any) -> bool:
    return isinstance(value, str) and _NEW.fullmatch(value) is not None


def renamed(played: Played, names: Names) -> Played:
    """What came of a case, with the keys by which the case names what was inserted."""
    return Played(
        writes={side: [_write(each, names[side]) for each in writes] for side, writes in played.writes.items()},
        links=[[_member(member, names) for member in members] for members in played.links],
        skipped=[{**each, "member": _member(each["member"], names)} for each in played.skipped],
        conflicts=[_conflict(each, names) for each in played.conflicts],
    )


def _write(write: Values, names: dict[str, str]) -> Values:
    values = {name: names.get(value, value) if _is_new(value) else value for name, value in write["set"].items()}
    return {**write, "id": _key(str(write["id"]), names), "set": values}


def _conflict(entry: Values, names: Names) -> Values:
    found = {**entry, "members": sorted(_member(member, names) for member in entry["members"])}
    if "documents" in entry:
        found["documents"] = sorted(_member(member, names) for member in entry["documents"])
    if "claims" in entry:
        found["claims"] = {_member(member, names): value for member, value in entry["claims"].items()}
    return found


def _member(member: str, names: Names) -> str:
    parts = member.split("/", 2)
    if len(parts) != 3:
        return member
    return f"{parts[0]}/{parts[1]}/{_key(parts[2], names[parts[0]])}"


def _key(key: str, names: dict[str, str]) -> str:
    found = _NEW.match(key)
    return names.get(found[0], found[0]) + key[found.end() :] if found else key
