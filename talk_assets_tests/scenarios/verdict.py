"""Whether what came of a case is what it expects."""

from collections import Counter
from typing import Any

from talk_assets_tests.scenarios.case import Case, Values
from talk_assets_tests.scenarios.nested import lines_of
from talk_assets_tests.scenarios.outcome import Played


def differences(case: Case, played: Played) -> list[str]:
    """What differs from what a case expects, one sentence each; nothing when it passed."""
    expect = case.expect
    beside = set((case.rules.get("external_reference") or {}).values()) | {at.key for at in lines_of(case).values()}
    found = []
    for side in ("left", "right"):
        found += _writes(side, expect.get(f"writes_{side}") or [], played.writes.get(side, []), beside)
    found += _same("links", [sorted(map(str, members)) for members in expect.get("links") or []], played.links)
    wanted = expect.get("skipped") or []
    found += _same("skipped", [_text(entry) for entry in wanted], [_text(entry) for entry in played.skipped])
    conflicts = expect.get("conflicts") or []
    names = sorted({name for entry in conflicts for name in entry})
    seen = [{n: v for n, v in entry.items() if n in names} if names else entry for entry in played.conflicts]
    found += _same("conflicts", [_text(entry) for entry in conflicts], [_text(entry) for entry in seen])
    return found


def _text(entry: Values) -> str:
    texts = {name: sorted(map(str, value)) if isinstance(value, list) else value for name, value in entry.items()}
    return ", ".join(f"{name}={text}" for name, text in sorted(texts.items()))


def _same(what: str, wanted: list[Any], found: list[Any]) -> list[str]:
    left = Counter(str(sorted(entry) if isinstance(entry, list) else entry) for entry in wanted)
    right = Counter(str(sorted(entry) if isinstance(entry, list) else entry) for entry in found)
    missing, extra = list((left - right).elements()), list((right - left).elements())
    return [f"{what}: missing {entry}" for entry in missing] + [f"{what}: unexpected {entry}" for entry in extra]


def _writes(side: str, wanted: list[Values], found: list[Values], beside: set[str]) -> list[str]:
    left = list(found)
    problems = []
    for wish in wanted:
        match = next((done for done in left if _meets(wish, done, beside)), None)
        if match is None:
            problems.append(f"writes_{side}: missing {_write(wish)}")
        else:
            left.remove(match)
    return problems + [f"writes_{side}: unexpected {_write(done)}" for done in left]


def _write(write: Values) -> str:
    return f"{write['op']} {write['type']}/{write['id']} {write.get('set') or ''}".strip()


def _meets(wish: Values, done: Values, beside: set[str]) -> bool:
    if (wish["op"], wish["type"], str(wish["id"])) != (done["op"], done["type"], str(done["id"])):
        return False
    wanted, given = wish.get("set") or {}, done.get("set") or {}
    if any(name not in given or not _equal(value, given[name]) for name, value in wanted.items()):
        return False
    more = {name for name, value in given.items() if name not in wanted and value not in (None, "")}
    return not more - beside


def _equal(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is given
    if isinstance(wanted, int | float) and isinstance(given, int | float):
        return float(wanted) == float(given)
    if wanted in (None, "") and given in (None, ""):
        return True
    if isinstance(wanted, list) and isinstance(given, list):
        return sorted(map(str, wanted)) == sorted(map(str, given))
    return str(wanted) == str(given)
