"""What is done to records that are linked: edits, lines added and removed, deletions."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from talk_assets.qa.books import Books
from talk_assets.qa.case import Case
from talk_assets.qa.hands import Hands, Refused
from talk_assets.qa.making import FURTHER, Made
from talk_assets.qa.meaning import meaning, own_form
from talk_assets.qa.samples import others
from talk_assets.qa.stock import Stock

# Kinds of rows that do something to linked records.
ACTING = ("edit", "both", "apart", "line_added", "line_removed", "deleted")
# Seconds between two edits of which one has to be the later one, in systems that tell times to the second.
PAUSE = 1.5


@dataclass
class Act:
    """What was done for one row.

    Attributes:
        before: entity to property to the shared text that its record held.
        edits: entity, property and shared text that was typed, the earlier first.
        line: key of a line that was added.
        refused: why it could not be done; '' where it could.
    """

    before: dict[str, dict[str, str]] = field(default_factory=dict)
    edits: list[tuple[str, str, str]] = field(default_factory=list)
    line: str = ""
    refused: str = ""


@dataclass
class Actor:
    """Does it.

    Attributes:
        hands: edit and delete in the systems.
        stock: knows values.
        books: what the systems held before.
        pause: lets a moment pass.
    """

    hands: Hands
    stock: Stock
    books: Books
    pause: Callable[[float], None] = time.sleep

    def act(self, cases: Iterable[Case], made: dict[str, Made]) -> dict[str, Act]:
        """Do what the rows want; those whose records are not there or not linked are left out.

        Returns:
            By id of the row what was done.

        Raises:
            SystemFault: a system does not answer.
        """
        ready = [case for case in cases if _linked(case, made[case.record])]
        acts = {case.id: Act(self._before(case, made[case.record])) for case in ready}
        for case in ready:
            self._first(case, made[case.record], acts[case.id])
        later = [case for case in ready if case.kind == "both" and not acts[case.id].refused]
        if later:
            self.pause(PAUSE)
        for case in later:
            self._edit(case, made[case.record], acts[case.id], case.scope.other(case.source), case.property, 1)
        return acts

    def _before(self, case: Case, made: Made) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for entity in case.scope.flow.entities:
            record = self.books.get(entity, made.key(entity)) or {}
            found[entity] = {name: self.stock.shared(case.scope, name, entity, record) for name in case.scope.rows}
        return found

    def _first(self, case: Case, made: Made, act: Act) -> None:
        try:
            if case.kind == "edit":
                typed = self.stock.typed(case.scope, case.property, case.source, case.typed)
                self._send(case, made, act, case.source, case.property, typed)
            elif case.kind in ("both", "apart"):
                self._edit(case, made, act, case.source, case.property, 0)
                if case.kind == "apart":
                    self._edit(case, made, act, case.scope.other(case.source), case.other, 1)
            elif case.kind == "line_added":
                values = self.stock.values(case.scope, case.source, case.number + FURTHER[1])
                owner = str(case.scope.capabilities[case.source].document)
                act.line = self.hands.add_line(case.source, made.documents[owner], values)
            else:
                self.hands.delete(case.source, made.key(case.source))
        except Refused as refused:
            act.refused = str(refused)

    def _edit(self, case: Case, made: Made, act: Act, entity: str, name: str, which: int) -> None:
        scope = case.scope
        shared = others(scope, name, case.number, self.stock.mark)[which]
        own = own_form(shared, scope.rows[name], scope.member(name, entity), scope.able(name, entity)) or ""
        try:
            self._send(case, made, act, entity, name, own)
        except Refused as refused:
            act.refused = str(refused)

    def _send(self, case: Case, made: Made, act: Act, entity: str, name: str, own: str) -> None:
        scope = case.scope
        member, row = scope.member(name, entity), scope.rows[name]
        owner = scope.capabilities[entity].document
        document = made.documents.get(owner) if owner is not None else None
        self.hands.edit(entity, made.key(entity), {member.name: own}, document)
        typed = (
            self.stock.shared(scope, name, entity, {member.name: own})
            if row.type == "reference"
            else meaning(own, row, member)
        )
        act.edits.append((entity, name, typed))


def _linked(case: Case, made: Made) -> bool:
    if made.refused:
        return False
    if case.kind in ("line_added",):
        return set(made.documents) == {str(case.scope.capabilities[each].document) for each in case.scope.flow.entities}
    return all(made.key(entity) for entity in case.scope.flow.entities)
