"""A town: rules, the stories of some records, and what befalls everybody; as data, and how to make one up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

Values = dict[str, Any]
SIDES = ("left", "right")
# What people write into a property, per side where the sides write it differently. What comes first is simplest.
POOL: dict[str, list[Any]] = {
    "name": ["Ann", "Bo", "Annabella", "Annabelle", "ann", ""],
    "city": ["Oslo", "Bergen", "Rome", ""],
    "phone": ["12 34", "1234", "99", "5 5", ""],
    "price": [1, 2.5, 3.25, 4, None],
    "amount": [1, 1.5, 1.25, 7.75, None],
    "tags": [["a"], ["a", "b"], ["b", "c"], ["c"], None],
    "street": ["Main 1", "Side 2", "Quay 3", ""],
    "zip": ["10", "20", "30", ""],
    "status": ["open", "closed"],
    "grade": ["good", "better", "best", ""],
    "fixed": ["one", "two", "three", ""],
}
STATUS = {"O": "open", "C": "closed"}
# What no record may hold: a price that is no number, a status that is in no list.
BAD: dict[str, Any] = {"price": "cheap", "status": "X"}
# By it we tell the records of one story from those of others; the platform does not match by it.
TITLE = "title"
# A property that no mapping names.
UNMAPPED = "note"
# What a record is marked with where deletions are archived.
ARCHIVED = "archived"
NOTES = ["", "call back", "do not call"]


@dataclass(frozen=True)
class Step:
    """Something that happens to one pair of records.

    Attributes:
        at: the round, from 0.
        do: edit, touch, delete, create, late, or fail.
        side: where.
        values: what is written.
        between: whether it happens between reading and writing.
        how: of `late`: how many states back; of `fail`: 1 or 2 times for now, 0 for ever.
        of: of `fail`: insert or update.
    """

    at: int
    do: str
    side: str
    values: Values
    between: bool = False
    how: int = 1
    of: str = "update"


@dataclass(frozen=True)
class Story:
    """A pair of records: what the sides begin with (None: no record), and what happens.

    Attributes:
        left: what the record on the left begins with.
        right: the same on the right.
        steps: what happens.
        keyed: whether the records have what records are matched by; without it only one side begins with one.
    """

    left: Values | None
    right: Values | None
    steps: tuple[Step, ...] = ()
    keyed: bool = True

    def of(self, side: str) -> Values | None:
        """What a side begins with."""
        return self.left if side == "left" else self.right

    def starting(self, side: str, values: Values | None) -> "Story":
        """The same with another beginning on a side."""
        return replace(self, left=values) if side == "left" else replace(self, right=values)


@dataclass(frozen=True)
class Round:
    """A sync, and what befalls it.

    Attributes:
        kill: the process dies at so many writes, 0: never.
        stored: whether the write at which it dies arrives.
        deaf: sides of which one read fails.
        quiet: whether nobody does anything afterwards until all is equal.
    """

    kill: int = 0
    stored: bool = True
    deaf: tuple[str, ...] = ()
    quiet: bool = False


@dataclass(frozen=True)
class Town:
    """Rules in the words of scenario files, stories, rounds, and by how much the right side's clock is behind."""

    rules: Values
    stories: tuple[Story, ...]
    rounds: tuple[Round, ...]
    behind: int = 0

    @property
    def steps(self) -> int:
        """What happens in it: steps of people and of fate, and syncs."""
        return sum(len(story.steps) for story in self.stories) + len(self.rounds)


def _as_written(name: str, side: str, value: Any) -> Any:
    if name == "status" and side == "right":
        return next((code for code, meant in STATUS.items() if meant == value), value)
    return value


def _rule(side: str) -> list[Any]:
    other = "right" if side == "left" else "left"
    return ["latest", {"prefer": [side, other]}, {"owner": side}, {"owner": side, "non_owner_edit": "ignore"}]


@st.composite
def rules(draw: st.DrawFn) -> Values:
    """What is synchronised, and how."""
    wishes = ["latest", "latest", *_rule("left")[1:], *_rule("right")[1:], "manual"]
    merge = {name: draw(st.sampled_from(wishes)) for name in POOL if name not in ("tags", "street", "zip", "grade")}
    merge |= dict.fromkeys(("street", "zip"), draw(st.sampled_from(wishes)))
    merge |= {"grade": "manual", "tags": draw(st.sampled_from(["latest", "union"]))}
    clears = [[], [], ["left"], ["right"], ["left", "right"]]
    clear = {name: draw(st.sampled_from(clears)) for name in POOL}
    found: Values = {
        "keys": [["email"]],
        "shared": [TITLE, "email", *POOL],
        "merge": {name: wish for name, wish in merge.items() if wish != "latest"},
        "allow_clear": {name: sides for name, sides in clear.items() if sides},
        "groups": {"address": ["street", "zip"]},
        "compare": {"phone": "digits", "tags": "unordered"},
        "value_map": {"status": {"left": {value: value for value in STATUS.values()}, "right": STATUS}},
    }
    if draw(st.booleans()):
        found["compare"]["name"] = "ignore_case"
    if draw(st.booleans()):
        found["compare"]["amount"] = {"round": draw(st.sampled_from(["floor_to_integer", "ceiling_to_integer"]))}
    if draw(st.booleans()):
        found["target_stores"] = {"right": {"name": "first 5 characters"}, "left": {"city": "first 3 characters"}}
    if draw(st.booleans()):
        found["read_only"] = {draw(st.sampled_from(SIDES)): ["fixed"]}
    if draw(st.booleans()):
        found["required"] = {"right": ["name"]}
    if draw(st.booleans()):
        found["inserts"] = draw(st.sampled_from(["right_only", "left_only", "none"]))
    if draw(st.booleans()):
        found["tie_break"] = ["right", "left"]
    if draw(st.booleans()):
        found |= draw(_removal())
    return found


@st.composite
def _removal(draw: st.DrawFn) -> Values:
    """What becomes of the counterpart of a deleted record; without it nothing."""
    found: Values = {
        "deletes": {
            side: draw(st.sampled_from(["delete", "delete", "restore", "archive", "ignore"])) for side in SIDES
        },
        "archive": {side: {ARCHIVED: True} for side in SIDES},
    }
    edited = draw(st.sampled_from([None, "edit", "delete"]))
    return found if edited is None else {**found, "edit_versus_delete": edited}


def _written(side: str, least: int = 1) -> st.SearchStrategy[Values]:
    """What a person writes into some properties."""
    one = st.sampled_from(list(POOL)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(POOL[name]).map(lambda v: _as_written(name, side, v)))
    )
    note = st.tuples(st.just(UNMAPPED), st.sampled_from(NOTES))
    return st.lists(one | one | one | note, min_size=least, max_size=4).map(dict)


@st.composite
def steps(draw: st.DrawFn, rounds: int) -> Step:
    """One step; most are edits."""
    do = draw(st.sampled_from(["edit"] * 8 + ["late", "touch", "fail", "fail", "bad", "delete", "delete", "create"]))
    side = draw(st.sampled_from(SIDES))
    at = draw(st.integers(0, rounds - 1))
    if do in ("edit", "create"):
        return Step(at, do, side, draw(_written(side)), between=do == "edit" and draw(st.integers(0, 5)) == 5)
    if do == "bad":
        name = draw(st.sampled_from(list(BAD)))
        return Step(at, "edit", side, {name: BAD[name]})
    how = draw(st.sampled_from([1, 2, 0] if do == "fail" else [1, 2]))
    return Step(at, do, side, {}, how=how, of=draw(st.sampled_from(["update", "insert"])))


@st.composite
def stories(draw: st.DrawFn, rounds: int) -> Story:
    """One pair of records, or one that lacks its counterpart."""
    there = draw(st.sampled_from([SIDES, SIDES, ("left",), ("right",)]))
    given = {side: draw(_written(side, 2)) if side in there else None for side in SIDES}
    happened = draw(st.lists(steps(rounds), max_size=6))
    keyed = there == SIDES or draw(st.booleans())
    return Story(given["left"], given["right"], tuple(sorted(happened, key=lambda step: step.at)), keyed)


@st.composite
def towns(draw: st.DrawFn, size: int) -> Town:
    """A town of so many stories."""
    count = draw(st.integers(2, 4))
    told = draw(st.lists(stories(count), min_size=size, max_size=size))
    return Town(
        draw(rules()),
        tuple(told),
        tuple(draw(_round()) for _ in range(count)),
        draw(st.sampled_from([0, 0, 7])),
    )


@st.composite
def _round(draw: st.DrawFn) -> Round:
    kill = draw(st.sampled_from([0, 0, 1, 3, 8]))
    deaf = draw(st.sampled_from([(), (), (), ("left",), ("right",), SIDES]))
    return Round(kill, draw(st.booleans()), deaf, quiet=draw(st.sampled_from([False, False, True])))


def smaller(town: Town) -> Sequence[Town]:
    """Towns in which less happens, those with much less first."""
    found = []
    for at in range(len(town.stories)):
        found.append(replace(town, stories=(*town.stories[:at], *town.stories[at + 1 :])))
    for at, story in enumerate(town.stories):
        for less in _simpler(story):
            found.append(replace(town, stories=(*town.stories[:at], less, *town.stories[at + 1 :])))
    for at, each in enumerate(town.rounds):
        if each != Round():
            found.append(replace(town, rounds=(*town.rounds[:at], Round(), *town.rounds[at + 1 :])))
    last = max((step.at for story in town.stories for step in story.steps), default=0)
    if last + 1 < len(town.rounds):
        found.append(replace(town, rounds=town.rounds[: last + 1]))
    if town.behind:
        found.append(replace(town, behind=0))
    for word, value in town.rules.items():
        if word in ("keys", "shared", "value_map", "archive"):
            continue
        found.append(replace(town, rules={w: v for w, v in town.rules.items() if w != word}))
        if isinstance(value, dict):
            found += [
                replace(town, rules={**town.rules, word: {n: v for n, v in value.items() if n != name}})
                for name in value
            ]
    return found


def _simpler(story: Story) -> list[Story]:
    found = [replace(story, steps=(*story.steps[:at], *story.steps[at + 1 :])) for at in range(len(story.steps))]
    for side in SIDES:
        given = story.of(side)
        if given is not None:
            found.append(story.starting(side, None))
            found += [story.starting(side, {n: v for n, v in given.items() if n != name}) for name in given]
    for at, step in enumerate(story.steps):
        for name in step.values if len(step.values) > 1 else ():
            less = replace(step, values={n: v for n, v in step.values.items() if n != name})
            found.append(replace(story, steps=(*story.steps[:at], less, *story.steps[at + 1 :])))
    return found
