"""Whether what came of a case is what it expects."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from talk_assets_tests.scenarios import generate
from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.nested import nests_of
from talk_assets_tests.scenarios.outcome import Played
from talk_assets_tests.scenarios.renaming import renamed, renamings
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, Words, listed, meant

REASONS = (
    "stale",
    "changed_since_read",
    "partner_deleted",
    "deleted_at_source",
    "still_exists",
    "empty_feed",
    "missing_required",
    "historical",
    "out_of_filter",
    "tombstone",
    "too_many_missing",
    "too_many_writes",
    "writes_off",
    "unmapped_value",
)
_OPERATIONS = {
    "insert": {"create", "add"},
    "update": {"edit", "change", "patch"},
    "delete": {"remove"},
    "archive": {"deactivate"},
}
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?)?")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class Expected:
    """What a case expects, in one form.

    Args:
        case: the case.

    Raises:
        NotExpressible: it expects something that is not understood.
    """

    def __init__(self, case: Case) -> None:
        types, said = set(case.types), case.expect
        self.writes = {
            side: [
                _write_of(each)
                for each in generate.spread(said.get(f"writes_{side}"), lambda t: generate.writes(t, types))
            ]
            for side in SYSTEMS
        }
        self.links: list[Any] | None = None
        if "links" in said:
            self.links = generate.spread(said["links"], lambda text: generate.links(text, types))
        # What a case leaves out it does not judge; an empty list says that there is none.
        self.skipped = [_skip_of(each) for each in _spread(said.get("skipped"))] if "skipped" in said else None
        self.conflicts = [_conflict_of(each) for each in listed(said.get("conflicts"))] if "conflicts" in said else None
        reference = case.rules.get("external_reference")
        own = reference.values() if isinstance(reference, dict) else listed(reference)
        self.beside = {str(name) for name in own if isinstance(name, str)}
        self.beside |= {at.key for nest in nests_of(case) for at in nest.values()}
        self.titles = _titles(case)


def _spread(entries: Any) -> list[Any]:
    return [
        single
        for each in generate.spread(entries, lambda text: generate.entries(text, list(REASONS)))
        for single in _single(each)
    ]


def _single(entry: Any) -> Iterator[Any]:
    """A skip that names several members is one of each."""
    if isinstance(entry, dict) and isinstance(entry.get("members"), list):
        for member in entry["members"]:
            yield {**{n: v for n, v in entry.items() if n != "members"}, "member": member}
    else:
        yield entry


def _write_of(entry: Any) -> Values:
    words = Words(entry if isinstance(entry, dict) else {}, f"the expected write {entry}")
    op = words.need("op")
    found = {"op": meant(op, _OPERATIONS, "op"), "type": words.take("type"), "id": words.take("id", "key")}
    if isinstance(found["id"], str) and found["id"].count("/") == 2:
        _, found["type"], found["id"] = found["id"].split("/")
    found["set"] = words.take("set", "values")
    words.done()
    return found


def _skip_of(entry: Any) -> Values:
    words = Words(entry if isinstance(entry, dict) else {}, f"the expected skip {entry}")
    found = {"member": str(words.need("member", "record", "at", "type")), "reason": str(words.need("reason"))}
    if found["reason"] not in REASONS:
        raise NotExpressible(f"skipped: unknown reason {found['reason']}")
    if words.has("property"):
        found["property"] = words.take("property")
    words.done()
    return {name: value for name, value in found.items() if value is not None}


def _conflict_of(entry: Any) -> Values:
    words = Words(entry if isinstance(entry, dict) else {}, f"the expected conflict {entry}")
    found: Values = {"kind": words.take("kind", "type", "reason"), "property": words.take("property", "group")}
    members = words.take("members", "member", "records")
    found["members"] = sorted(map(str, listed(members))) if members is not None else None
    found["claims"] = words.take("values", "claims")
    words.done()
    return {name: value for name, value in found.items() if value is not None}


def _titles(case: Case) -> dict[str, str]:
    """Property to the title of the group that it is decided in."""
    rule = case.rules.get("groups")
    named = rule.items() if isinstance(rule, dict) else ()
    return {str(name): str(title) for title, names in named for name in listed(names) if not isinstance(name, dict)}


def differences(case: Case, played: Played) -> list[str]:
    """What differs from what a case expects, one sentence each; nothing when it passed.

    The order of writes never matters: what was inserted may have got its keys in another order.
    """
    expected = Expected(case)
    found = _differences(expected, played)
    for names in renamings(expected.writes, played.writes) if found else ():
        if not _differences(expected, renamed(played, names)):
            return []
    return found


def _differences(expected: Expected, played: Played) -> list[str]:
    found = []
    for side in SYSTEMS:
        found += _writes(side, expected.writes[side], played.writes.get(side, []), expected.beside)
    if expected.links is not None:
        found += _links(expected.links, played.links)
    if expected.skipped is not None:
        found += _entries("skipped", expected.skipped, played.skipped, expected.titles)
    if expected.conflicts is not None:
        found += _entries("conflicts", expected.conflicts, played.conflicts, expected.titles)
    return found


def _links(wanted: list[Any], found: list[list[str]]) -> list[str]:
    named = Counter(str(sorted(map(str, members))) for members in wanted if members is not None)
    there = Counter(str(sorted(members)) for members in found)
    missing, extra = list((named - there).elements()), list((there - named).elements())
    any_ = sum(members is None for members in wanted)
    if any_ > len(extra):
        missing.append(f"{any_ - len(extra)} more")
    return [f"links: missing {entry}" for entry in missing] + [f"links: unexpected {entry}" for entry in extra[any_:]]


def _entries(what: str, wanted: list[Values], found: list[Values], titles: dict[str, str]) -> list[str]:
    """What is expected says of one entry, or of several, only what it names."""
    missing = [wish for wish in wanted if not any(_covers(wish, entry, titles) for entry in found)]
    extra = [entry for entry in found if not any(_covers(wish, entry, titles) for wish in wanted)]
    return [f"{what}: missing {_text(e)}" for e in missing] + [f"{what}: unexpected {_text(e)}" for e in extra]


def _covers(wish: Values, entry: Values, titles: dict[str, str]) -> bool:
    for name, wanted in wish.items():
        given = entry.get(name)
        if name == "members":
            fits = wanted in (sorted(map(str, given or [])), entry.get("documents"))
        elif name == "property":
            fits = wanted in (given, titles.get(str(given)))
        elif name == "claims":
            fits = all(_claimed(member, value, given or {}) for member, value in wanted.items())
        else:
            fits = wanted == given
        if not fits:
            return False
    return True


def _claimed(member: str, value: Any, claims: Values) -> bool:
    return any(_equal(value, each) for name, each in claims.items() if name == member or name.startswith(f"{member}/"))


def _text(entry: Values) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(entry.items()) if name not in ("claims", "documents"))


def _writes(side: str, wanted: list[Values], found: list[Values], beside: set[str]) -> list[str]:
    left = list(found)
    problems = [
        f"writes_{side}: {_write(done)} replaced {', '.join(sorted(done['lost']))}"
        for done in found
        if done.get("lost")
    ]
    # Those that name less are met last.
    for wish in sorted(wanted, key=lambda each: (each["id"] is None, each["set"] is None)):
        match = next((done for done in left if meets(wish, done, beside)), None)
        if match is None:
            problems.append(f"writes_{side}: missing {_write(wish)}")
        else:
            left.remove(match)
    return problems + [f"writes_{side}: unexpected {_write(done)}" for done in left]


def _write(write: Values) -> str:
    return f"{write['op']} {write['type']}/{write['id']} {write.get('set') or ''}".strip()


def meets(wish: Values, done: Values, beside: set[str]) -> bool:
    """Whether a write is the one that is expected; what is archived may be told as an update."""
    if done["op"] != wish["op"] and (wish["op"], done["op"]) != ("update", "archive"):
        return False
    if any(wish[name] is not None and str(wish[name]) != str(done[name]) for name in ("type", "id")):
        return False
    wanted, given = wish["set"], done.get("set") or {}
    if wanted is None:
        return True
    if any(name not in given or not _equal(value, given[name]) for name, value in wanted.items()):
        return False
    more = {name for name, value in given.items() if name not in wanted and value not in (None, "")}
    return not more - beside


def _equal(wanted: Any, given: Any) -> bool:
    if wanted in (None, "") and given in (None, ""):
        return True
    if isinstance(wanted, list) and isinstance(given, list):
        return _equal_lists(wanted, given)
    if isinstance(wanted, dict) and isinstance(given, dict):
        return all(_equal(wanted.get(name), given.get(name)) for name in wanted.keys() | given.keys())
    one, two = str(wanted), str(given)
    if isinstance(wanted, bool) or isinstance(given, bool):
        return one.lower() == two.lower()
    both_texts = isinstance(wanted, str) and isinstance(given, str)
    if not both_texts and _NUMBER.fullmatch(one) and _NUMBER.fullmatch(two):
        return float(one) == float(two)
    days = _DAY.fullmatch(one), _DAY.fullmatch(two)
    if days[0] and days[1]:
        return days[0][1] == days[1][1]
    return one == two


def _equal_lists(wanted: list[Any], given: list[Any]) -> bool:
    """Order never matters."""
    left = list(given)
    for each in wanted:
        match = next((other for other in left if _equal(each, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left
