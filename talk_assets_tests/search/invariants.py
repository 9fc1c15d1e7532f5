"""What must hold after a quiet period, judged by what people did and what the sides hold; design, section 4."""

import math
from collections.abc import Iterator
from typing import Any

from talk_assets.errors import SystemUnavailable
from talk_assets_tests.search.life import Known, Life, Replaced
from talk_assets_tests.search.town import ARCHIVED, BAD, POOL, SIDES, STATUS, UNMAPPED, Values

# A quiet sync: the feed and the removals of each side.
FEEDS = 4
OTHER = {"left": "right", "right": "left"}


def meaning(rules: Values, name: str, value: Any) -> Any:
    """What a value says, whoever spells it: equal means the same."""
    if value in (None, "", []):
        return None
    how = (rules.get("compare") or {}).get(name)
    if name == "tags":
        return frozenset(value if isinstance(value, list) else value.split("\n"))
    if name == "status":
        return STATUS.get(value, value)
    if name in ("price", "amount"):
        if isinstance(value, str) and not value.replace(".", "").isdigit():
            return value
        number = float(value)
        if not isinstance(how, dict):
            return number
        return math.floor(number) if how["round"] == "floor_to_integer" else math.ceil(number)
    if how == "digits":
        return "".join(letter for letter in value if letter.isdigit()) or None
    return str(value).lower() if how == "ignore_case" else str(value)


def kept(rules: Values, name: str, value: Any) -> Any:
    """The meaning of what is left of a value in the side that keeps least of it."""
    wishes = [stores[name] for stores in (rules.get("target_stores") or {}).values() if name in stores]
    for wish in wishes:
        value = value[: int(wish.split()[1])] if isinstance(value, str) else value
    return meaning(rules, name, value)


class Judge:
    """Looks at a town after a quiet period.

    Args:
        life: the town.
    """

    def __init__(self, life: Life) -> None:
        self._life = life
        self._rules = life.town.rules
        members = life.rows("select cluster_id, entity, key, deleted_at from talk.member where division = :division")
        self._cluster = {(row["entity"], row["key"]): int(row["cluster_id"]) for row in members}
        self._holds = life.rows("select entity, key, kind, reason from talk.hold where division = :division")
        self._conflicts = {
            (int(row["cluster_id"]), row["property"])
            for row in life.rows(
                "select cluster_id, property from talk.conflict where division = :division and resolved_at is null"
            )
        }
        self._contested = {
            int(row["cluster_id"])
            for row in life.rows(
                "select cluster_id from talk.conflict "
                "where division = :division and kind = 'edit_versus_delete' and resolved_at is null"
            )
        }
        self._owed = life.rows("select cluster_id, entity, state, reason from talk.owed where division = :division")

    def problems(self) -> list[str]:
        """Every invariant that does not hold, in a sentence that begins with the number of the story, or with `-`."""
        found = [f"- open intent: {row}" for row in self._intents()]
        # A read that fails for now is part of the town; nothing else is.
        found += [f"- stopped: {e}" for e in self._life.stopped if not isinstance(e, SystemUnavailable)]
        for number, known in enumerate(self._life.known):
            found += [f"{number} {words}" for words in self._story(number, known)]
        return [*found, *self._untold()]

    def well(self, number: int) -> bool:
        """Whether both records of a story are there, and nothing keeps them back."""
        known = self._life.known[number]
        keys = {side: self._life.there(number, side) for side in SIDES}
        alone = all(len(found) == 1 for found in keys.values())
        return alone and not known.odd and not known.failing and not self._bad(keys)

    def _bad(self, keys: dict[str, list[str]]) -> bool:
        records = [self._life.held(side, key) for side, found in keys.items() for key in found]
        return any(record.get(name) == value for record in records for name, value in BAD.items())

    def _story(self, number: int, known: Known) -> Iterator[str]:
        keys = {side: self._life.there(number, side) for side in SIDES}
        yield from self._unmapped(known, keys)
        ours = {side: [key for key in found if key.startswith("new#")] for side, found in keys.items()}
        # Without a key each record of people is one of its own, and is given a counterpart of its own.
        keyed = self._life.town.stories[number].keyed
        most = {side: 1 if keyed else max(1, len(known.written[OTHER[side]])) for side in SIDES}
        if any(len(found) > most[side] for side, found in ours.items()):
            yield f"duplicate: {ours} were all inserted"
        if known.odd or known.failing or self._bad(keys):
            return
        if known.deleted is not None:
            yield from self._after_deletion(known, known.deleted, keys)
            if not all(keys.values()):
                return
        yield from self._listed(keys)
        if all(len(found) == 1 for found in keys.values()):
            pair = {side: found[0] for side, found in keys.items()}
            clusters = {self._cluster_of(side, key) for side, key in pair.items()}
            if len(clusters) != 1 or None in clusters:
                yield f"{pair} are not linked"
            for name in POOL:
                yield from self._property(known, name, pair)
        else:
            yield from self._lacking(keys)

    def _after_deletion(self, known: Known, side: str, keys: dict[str, list[str]]) -> Iterator[str]:
        """What became of the counterpart of a record that people deleted."""
        other = OTHER[side]
        policy = self._rules.get("deletes", {}).get(side, "ignore")
        gone, there = not keys[side], [self._life.held(other, key) for key in keys[other]]
        if not gone:
            found = "again"
        elif not there:
            found = "deleted"
        elif any(record.get(ARCHIVED) not in (None, "", False) for record in there):
            found = "archived"
        else:
            found = "kept"
        removed = {"delete": "deleted", "archive": "archived"}.get(policy, "")
        wanted = {removed} if removed else {"again" if policy == "restore" else "kept"}
        if removed and any(known.edits.values()):
            # Whether the edit was met or had arrived before is a matter of moments.
            wins = self._rules.get("edit_versus_delete")
            contested = any(self._cluster_of(other, key) in self._contested for key in keys[other])
            wanted |= {None: {"kept"} if contested else set(), "edit": {"again"}, "delete": set()}[wins]
        if "again" in wanted and there and not self._complete(side, there[0]):
            wanted.add("kept")
        if found not in wanted:
            yield f"counterpart: the record on the {side} was deleted, the other is {found}, which is not {policy}"

    def _complete(self, side: str, source: Values) -> bool:
        """Whether a record holds what a side wants of a new one."""
        return all(source.get(name) not in (None, "") for name in (self._rules.get("required") or {}).get(side, []))

    def _lacking(self, keys: dict[str, list[str]]) -> Iterator[str]:
        """A record without counterpart, where one is wanted."""
        inserts = self._rules.get("inserts", "both")
        for side, found in keys.items():
            wanted = inserts in ("both", f"{side}_only") and keys[OTHER[side]]
            if found or not wanted:
                continue
            source = self._life.held(OTHER[side], keys[OTHER[side]][0])
            if self._complete(side, source):
                yield f"lost insert: {keys} has no counterpart on the {side}"

    def _listed(self, keys: dict[str, list[str]]) -> Iterator[str]:
        """A story that nothing is wrong with is neither held nor owed anything."""
        entities = {side: f"{'customerp' if side == 'left' else 'exact'}.contact" for side in SIDES}
        names = {(entities[side], key) for side, found in keys.items() for key in found}
        yield from (f"held: {row}" for row in self._holds if (row["entity"], row["key"]) in names)
        clusters = {self._cluster.get(name) for name in names}
        lacking = (row for row in self._owed if row["cluster_id"] in clusters and all(keys.values()))
        yield from (f"still owed: {row}" for row in lacking if row["state"] != "waiting")

    def _cluster_of(self, side: str, key: str) -> int | None:
        return self._cluster.get((f"{'customerp' if side == 'left' else 'exact'}.contact", key))

    def _unmapped(self, known: Known, keys: dict[str, list[str]]) -> Iterator[str]:
        for side, found in keys.items():
            for key in found:
                now, typed = self._life.held(side, key).get(UNMAPPED), known.notes.get((side, key))
                if now != typed:
                    yield f"unmapped property of {side}/{key} is {now!r}, its users wrote {typed!r}"

    def _property(self, known: Known, name: str, pair: dict[str, str]) -> Iterator[str]:
        held = {side: self._life.held(side, key).get(name) for side, key in pair.items()}
        number = self._cluster_of("left", pair["left"])
        if (number, name) in self._conflicts or any((number, n) in self._conflicts for n in self._together(name)):
            if self._rule(name) not in ("manual",) and "non_owner_edit" not in str(self._rule(name)):
                yield f"{name}: a conflict, though its rule is {self._rule(name)}"
            return
        if not self._may_differ(name) and kept(self._rules, name, held["left"]) != kept(
            self._rules, name, held["right"]
        ):
            yield f"{name}: the sides disagree, {held}"
        if known.deleted is None:
            yield from self._uncontested(known, name, held)

    def _uncontested(self, known: Known, name: str, held: Values) -> Iterator[str]:
        """What only one side's people wrote since all was well reaches both."""
        written = [known.edits.get(each, {}) for each in self._together(name)]
        sides = {side for each in written for side in each}
        value = known.edits.get(name, {})
        if len(sides) != 1 or not value or not known.settled or known.troubled:
            return
        (side,) = sides
        typed = value.get(side)
        if typed in (None, "", []) or not self._travels(name, side):
            return
        wanted = kept(self._rules, name, typed)
        for each in SIDES:
            if kept(self._rules, name, held[each]) != wanted:
                yield f"{name}: {typed!r} was written on the {side} alone and is not what the sides hold, {held}"

    def _travels(self, name: str, side: str) -> bool:
        rule = self._rule(name)
        if name in (self._rules.get("read_only") or {}).get(OTHER[side], []):
            return False
        if isinstance(rule, dict):
            return side == rule.get("owner", side) and side in (rule.get("prefer") or [side])[:1]
        return True

    def _rule(self, name: str) -> Any:
        return (self._rules.get("merge") or {}).get(name, "latest")

    @staticmethod
    def _together(name: str) -> tuple[str, ...]:
        return ("street", "zip") if name in ("street", "zip") else (name,)

    def _may_differ(self, name: str) -> bool:
        """Where the rules leave a difference."""
        if any(name in names for names in (self._rules.get("read_only") or {}).values()):
            return True
        rule = self._rule(name)
        return isinstance(rule, dict) and rule.get("non_owner_edit") == "ignore"

    def _intents(self) -> list[Values]:
        return self._life.rows(
            "select entity, values from talk.intent where division = :division and closed_at is null"
        )

    def _untold(self) -> Iterator[str]:
        """Values of people that we replaced and that history does not tell."""
        if not self._life.replaced:
            return
        history = self._life.rows(
            "select cluster_id, property, before, winner, loser, loser_value, rule, run, at from talk.history "
            "where division = :division and kind = 'decision'"
        )
        told: dict[tuple[int | None, str], list[Values]] = {}
        for row in history:
            told.setdefault((row["cluster_id"], row["property"]), []).append(row)
        for lost in self._life.replaced:
            rows = told.get((self._cluster_of(lost.side, lost.key), lost.name), [])
            if not self._told(lost, rows):
                yield f"- untold: {lost}; history has {rows}"

    def _told(self, lost: Replaced, rows: list[Values]) -> bool:
        before, after = (meaning(self._rules, lost.name, value) for value in (lost.before, lost.after))
        if before is None or before == after:
            return True
        whole = [row for row in rows if row["winner"] and row["rule"] and row["run"] and row["at"] is not None]
        said = {meaning(self._rules, lost.name, row[n]) for row in whole for n in ("loser_value", "before")}
        if lost.name == "tags":
            items = set().union(*(each for each in said if each is not None)) if said - {None} else set()
            return items.issuperset(before - (after or frozenset()))
        return before in said
