"""A town from its first day to its verdict, and the smallest town in which the same goes wrong."""

import io
import itertools
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML

from talk_assets.ledger.database import Ledger
from talk_assets_tests.search.invariants import FEEDS, Judge
from talk_assets_tests.search.life import Life
from talk_assets_tests.search.town import POOL, Step, Town, smaller

_NUMBERS = itertools.count(1)


def problems(town: Town, ledger: Ledger, counted: list[int] | None = None) -> tuple[list[str], Life]:
    """Play a town; what does not hold after its quiet periods, and the town as it was played."""
    life = Life(town, ledger, f"town {next(_NUMBERS)}")
    try:
        found = _lived(life)
    except Exception as error:
        error.add_note(as_scenario(town, life, [repr(error)]))
        raise
    if counted is not None:
        counted.append(life.deeds + life.runs)
    return found, life


def _lived(life: Life) -> list[str]:
    for number, each in enumerate(life.town.rounds):
        life.round(number, each)
        if each.quiet and (found := _after_quiet(life)):
            return found
    return _after_quiet(life) or _steady(life)


def _after_quiet(life: Life) -> list[str]:
    life.calm()
    life.sync()
    life.sync()
    judge = Judge(life)
    found = judge.problems()
    calls, writes, _ = life.spent
    life.sync()
    after_calls, after_writes, _ = life.spent
    if after_writes != writes:
        last = [write for system in life.sides.values() for write in system.writes][-3:]
        found.append(f"- a sync after two quiet ones wrote {after_writes - writes}, among them {last}")
    if after_calls - calls != FEEDS:
        found.append(f"- a quiet sync made {after_calls - calls} calls instead of {FEEDS}")
    for number, known in enumerate(life.known):
        known.settled = judge.well(number)
        # Whose counterpart stays without it is not judged any further.
        known.odd |= known.deleted is not None and not known.settled
        known.edits, known.troubled, known.deleted = {}, False, None
    return found


def _steady(life: Life) -> list[str]:
    """One edit costs what one edit costs, however many records there are."""
    judge = Judge(life)
    number = next((n for n in range(len(life.known)) if judge.well(n)), None)
    if number is None:
        return []
    calls, writes, handed = life.spent
    life.happen(number, Step(0, "edit", "left", {"city": "Assen"}))
    life.sync()
    spent = [now - before for now, before in zip(life.spent, (calls, writes, handed), strict=True)]
    decided = life.rows(
        f"select count(*) as clusters from talk.golden where division = :division and decided_run = 'sync {life.runs}'"
    )[0]["clusters"]
    most = [FEEDS + 6, 2, 6]
    if any(cost > limit for cost, limit in zip(spent, most, strict=True)) or decided > 1 + _kept_open(life):
        words = f"{spent[0]} calls, {spent[1]} writes, {spent[2]} records read, {decided} clusters decided"
        return [f"- one edit among {len(life.known)} pairs cost {words}"]
    return []


def _kept_open(life: Life) -> int:
    """Clusters that are looked at in every sync because a record of them is held."""
    text = "select count(distinct key) as held from talk.hold where division = :division"
    return int(life.rows(text)[0]["held"])


def smallest(town: Town, ledger: Ledger, found: list[str], tries: int = 100) -> tuple[Town, list[str], Life]:
    """The smallest town found in which something goes wrong in the same way."""
    kind = _kind(found)
    named = sorted({int(number) for number, _, _ in (words.partition(" ") for words in found) if number.isdigit()})
    parts = [(town.stories[number],) for number in named]
    best: tuple[Town, list[str], Life] | None = None
    for part in parts:
        best = best or _same(replace(town, stories=part), ledger, kind)
    best = best or _halves(town, ledger, kind)
    going = True
    while going and tries > 0:
        going = False
        for less in smaller(best[0]):
            tries -= 1
            again = _same(less, ledger, kind) if tries > 0 else None
            if again is not None:
                best, going = again, True
                break
    return best


def _halves(town: Town, ledger: Ledger, kind: set[str]) -> tuple[Town, list[str], Life]:
    """Fewer stories, half of them at a time, as long as the same goes wrong."""
    best = (town, *problems(town, ledger))
    while len(best[0].stories) > 1:
        stories = best[0].stories
        middle = len(stories) // 2
        fewer = [_same(replace(town, stories=part), ledger, kind) for part in (stories[:middle], stories[middle:])]
        again = next((each for each in fewer if each is not None), None)
        if again is None:
            break
        best = again
    return best


def _same(town: Town, ledger: Ledger, kind: set[str]) -> tuple[Town, list[str], Life] | None:
    found, life = problems(town, ledger)
    return (town, found, life) if _kind(found) & kind else None


def _kind(found: list[str]) -> set[str]:
    """What went wrong, without where: of each sentence what follows the number and the property."""
    said = [words.partition(" ")[2] for words in found]
    return {(rest.partition(": ")[2] if rest.partition(":")[0] in POOL else rest)[:12] for rest in said}


def as_scenario(town: Town, life: Life, found: list[str]) -> str:
    """The town as a scenario file."""
    case: dict[str, Any] = {
        "id": "FOUND",
        "area": "search",
        "given": {
            "rules": town.rules,
            "left": {"contact": []},
            "right": {"contact": []},
            "base": [],
            "links": [],
        },
        "when": life.log,
        "expect": {"writes_left": [], "writes_right": [], "links": [], "skipped": [], "conflicts": []},
        "notes": "; ".join(found),
    }
    text = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 118
    yaml.dump({"format": 1, "scenarios": [case]}, text)
    return text.getvalue()
