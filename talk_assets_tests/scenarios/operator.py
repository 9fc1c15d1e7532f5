"""What the person in charge of the platform does in a case."""

from collections.abc import Callable, Iterable

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.guards import EMPTY_FEED, TOO_MANY_MISSING, TOO_MANY_WRITES
from talk_assets.ledger import guards
from talk_assets.ledger.people import store_block
from talk_assets.orders.accepting import accept, accept_creation
from talk_assets.orders.linking import link
from talk_assets.orders.resolving import resolve
from talk_assets.orders.unlinking import unlink
from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.conditions import text_of
from talk_assets_tests.scenarios.conflicts import Conflict, chosen, open_conflicts
from talk_assets_tests.scenarios.translate import Translation
from talk_assets_tests.scenarios.words import SYSTEMS, NotExpressible, Values, Words, listed, meant, place_of, plain

WHO = "operator"
_ORDERS = {
    "split": {"unlink", "block", "separate", "detach", "unmerge"},
    "link": {"unblock", "join", "merge", "connect", "remove block", "match"},
    "resolve": {"decide", "settle", "choose"},
    "accept": {"accept guard", "accept the guard", "confirm", "approve", "allow", "let pass", "release", "acknowledge"},
}
# What a case calls a guard, and the kinds by which the ledger knows it.
_GUARDS = {
    EMPTY_FEED: (guards.EMPTY,),
    TOO_MANY_MISSING: (guards.MISSING, guards.DELETED),
    TOO_MANY_WRITES: (guards.VOLUME, guards.REMOVALS),
}
_RECORDS = ("members", "member", "records", "record", "pair", "of", "from", "and", "with", "other")


def store_blocked(case: Case, cycle: Cycle, name_of: Callable[[str], str]) -> None:
    """Store the pairs that were ruled out before the case begins."""
    with cycle.ledger.begin() as connection:
        for members in case.blocked:
            if len(members) != 2:
                raise NotExpressible(f"blocked: {members} is no pair")
            first, second = (tuple(name_of(member).split("/", 1)) for member in members)
            store_block(connection, cycle.division, (first[0], first[1]), (second[0], second[1]), WHO)


class Desk:
    """Where the orders of a case are carried out.

    Args:
        case: the case.
        translation: its rules in the platform's words.
        name_of: from `side/type/id` to `entity/key`.
        look: has the platform read what the systems hold.
    """

    def __init__(
        self, case: Case, translation: Translation, name_of: Callable[[str], str], look: Callable[[Cycle], None]
    ) -> None:
        self._case, self._translation, self._name_of, self._look = case, translation, name_of, look

    def give(self, cycle: Cycle, event: Values) -> None:
        """Carry an order out.

        Args:
            cycle: a run.
            event: the event, with `operator`.

        Raises:
            NotExpressible: the order is not understood, or nothing waits for it.
        """
        words = Words(event, "operator")
        order = meant(words.take("operator"), _ORDERS, "operator")
        words.take("t")
        if order == "resolve":
            self._resolve(cycle, words)
        elif order == "accept":
            self._accept(cycle, words)
        else:
            self._pair(cycle, words, order)

    def _pair(self, cycle: Cycle, words: Words, order: str) -> None:
        members = self._members(words)
        words.done()
        if len(members) < 2:
            raise NotExpressible(f"operator: {order} needs two members: {words.said}")
        if not self._known(cycle, members):
            # Nobody can speak of records that no run has read.
            self._look(cycle)
        first, *others = members
        for each in others:
            (link if order == "link" else unlink)(cycle, first, each, WHO)

    def _members(self, words: Words) -> list[str]:
        found: list[str] = []
        for name in _RECORDS:
            if words.has(name):
                found += [self._name_of(str(each)) for each in listed(words.take(name))]
        for side in SYSTEMS:
            if words.has(side):
                # {left: contact/L1, right: contact/R1}
                found.append(self._name_of(f"{side}/{words.take(side)}"))
        return list(dict.fromkeys(found))

    def _known(self, cycle: Cycle, names: Iterable[str]) -> bool:
        with cycle.ledger.begin() as connection:
            keys = connection.execute(
                sa.text("select entity || '/' || key from talk.record where division = :division"),
                {"division": cycle.division},
            ).scalars()
            return set(names) <= set(keys)

    # Guards, and records that were unlinked.

    def _accept(self, cycle: Cycle, words: Words) -> None:
        said = [str(each) for _, value in words.rest() for each in listed(value) if not isinstance(value, bool)]
        records = [each for each in said if each.count("/") == 2]
        if records:
            for each in records:
                accept_creation(cycle, self._name_of(each), WHO)
            return
        places = [(each, place_of(each, self._case.types)) for each in said]
        named = [place for _, place in places if place is not None]
        kinds = {_guard(each) for each, place in places if place is None} - {""}
        with cycle.ledger.begin() as connection:
            waiting = guards.waiting(connection, cycle.division).to_dict("records")
        found = [
            (str(each["entity"]), str(each["kind"]))
            for each in waiting
            if all(self._is_at(str(each["entity"]), place.side, place.type) for place in named)
            and (not kinds or any(each["kind"] in _GUARDS[kind] for kind in kinds))
        ]
        if not found:
            there = ", ".join(f"{each['entity']} ({each['kind']})" for each in waiting) or "none"
            raise NotExpressible(f"operator: no such guard waits: {words.said}; there are: {there}")
        for entity, kind in found:
            accept(cycle, entity, kind, WHO)

    def _is_at(self, entity: str, side: str | None, type_: str | None) -> bool:
        kind = self._translation.kinds[entity]
        return side in (None, kind.side) and type_ in (None, kind.type)

    # Conflicts.

    def _resolve(self, cycle: Cycle, words: Words) -> None:
        found = open_conflicts(cycle)
        members, kind, property_ = self._about(words)
        take = words.need("take", "use", "value", "choose", "winner", "keep", "choice", "decision", "accept")
        words.done()
        if isinstance(take, str) and take.count("/") == 2 and take.split("/")[0] in SYSTEMS:
            take = self._name_of(take)
            members = members or [take]
        fitting = [each for each in found if self._fits(each, members, kind, property_)]
        if not fitting:
            told = "; ".join(each.told() for each in found) or "none"
            raise NotExpressible(f"operator: no open conflict fits {words.said}; there are: {told}")
        those = self._together(fitting)
        about_records = str(take) in SYSTEMS or all(
            str(take) in each.members or each.property == "record" for each in fitting
        )
        vague = not members and property_ is None and len({each.cluster for each in fitting}) > 1
        if len(those) > 1 and (vague or not about_records):
            raise NotExpressible(f"operator: {words.said} fits {len(those)} conflicts")
        for each in those:
            value = chosen(each, take, self._name_of)
            resolve(cycle, each.members[0], each.property, "" if value is None else text_of(value), WHO)

    def _together(self, found: list[Conflict]) -> list[Conflict]:
        """One of the conflicts of properties that are decided together."""
        first: dict[tuple[int, str], Conflict] = {}
        for each in found:
            first.setdefault((each.cluster, self._group(each) or each.property), each)
        return list(first.values())

    def _group(self, conflict: Conflict) -> str | None:
        subject = self._translation.mappings.subject_of(conflict.members[0].partition("/")[0])
        row = subject.properties.get(conflict.property)
        return row.group if row is not None else None

    def _about(self, words: Words) -> tuple[list[str], str | None, str | None]:
        """The records, the kind and the property of the conflict that is meant."""
        property_ = words.take("property", "group", "name", "field")
        kind = words.take("kind")
        said = words.take("conflict", "conflicts")
        members: list[str] = []
        if isinstance(said, dict):
            inner = Words(said, "operator: conflict")
            property_, kind = inner.take("property", default=property_), inner.take("kind", default=kind)
            members += self._members(inner)
            inner.done()
        else:
            for each in listed(said):
                if str(each).count("/") == 2:
                    members.append(self._name_of(str(each)))
                elif "_" in str(each) and place_of(each, self._case.types) is None and kind is None:
                    kind = each
                else:
                    property_ = property_ or each
        members += self._members(words)
        return members, None if kind is None else str(kind), None if property_ is None else str(property_)

    def _fits(self, conflict: Conflict, members: list[str], kind: str | None, property_: str | None) -> bool:
        if members and not set(members) & set(conflict.members):
            return False
        if kind is not None and kind != conflict.kind:
            return False
        return property_ in (None, conflict.property, self._group(conflict))


def _guard(word: str) -> str:
    """The guard that a word names; '' for a word that only says that it is one."""
    said = plain(word)
    if said in ("guard", "guards", "all", "yes", "true", "real", "tripped"):
        return ""
    return meant(
        word,
        {
            EMPTY_FEED: {"empty", "emptiness", "feed is empty"},
            TOO_MANY_MISSING: {"missing", "max missing share", "too many deleted", "mass delete"},
            TOO_MANY_WRITES: {"volume", "writes", "max writes per run", "mass change"},
        },
        "operator: guard",
    )
