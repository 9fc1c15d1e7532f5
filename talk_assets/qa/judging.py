"""Whether a row passed: what both systems hold beside what they must hold."""

from collections.abc import Callable
from dataclasses import dataclass

from talk_assets.qa.acting import Act
from talk_assets.qa.books import Books
from talk_assets.qa.case import Case
from talk_assets.qa.expected import Expected, after_both, after_creation, after_edit
from talk_assets.qa.links import Links
from talk_assets.qa.making import Made
from talk_assets.qa.meaning import alike, meaning
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, PASSED, Outcome, Row
from talk_assets.qa.scope import system_name
from talk_assets.qa.stock import Stock
from talk_assets.qa.values import may_be_refused

# Whether it is as it must be, what must be, and what is.
Verdict = tuple[bool, str, str]
_NOTHING = "no record"
# So much of a value is shown.
_SHOWN = 80


@dataclass
class Judge:
    """Judges rows after the syncs.

    Attributes:
        stock: knows values.
        books: what the systems hold now.
        links: what the ledger says.
    """

    stock: Stock
    books: Books
    links: Links

    def row(self, case: Case, made: Made, act: Act | None) -> Row:
        """The outcome of a row whose records were made."""
        if made.refused:
            return _refused(case, made, "the record is made", made.refused, optional=made.optional)
        if act is not None and act.refused:
            return _refused(case, made, "the edit is taken", act.refused, optional=may_be_refused(case.edge))
        if act is not None:
            right, wanted, found = self._acted(case, made, act)
        else:
            right, wanted, found = self._untouched(case, made)
        if right:
            return Row.of(case, PASSED, records=_names(made))
        places = [*made.places, *((case.source, act.line) for act in [act] if act is not None and act.line)]
        reason = " ".join(self.links.told([*places, *made.documents.items()]))
        return Row.of(case, FAILED, expected=wanted, found=found, reason=reason, records=_names(made))

    def _untouched(self, case: Case, made: Made) -> Verdict:
        known: dict[str, Callable[[Case, Made], Verdict]] = {
            "created": self._created,
            "not_created": self._not_created,
            "by_hand": self._by_hand,
            "match": self._matched,
            "no_match": self._not_matched,
            "ambiguous": self._ambiguous,
            "joined": self._joined,
        }
        judge = known.get(case.kind)
        return judge(case, made) if judge is not None else self._not_linked(case, made)

    def _acted(self, case: Case, made: Made, act: Act) -> Verdict:
        known: dict[str, Callable[[Case, Made, Act], Verdict]] = {
            "edit": self._edited,
            "both": self._edited,
            "apart": self._edited,
            "line_added": self._line_added,
            "line_removed": self._gone,
            "deleted": self._gone,
        }
        return known[case.kind](case, made, act)

    # Rows about records as they were made.

    def _created(self, case: Case, made: Made) -> Verdict:
        scope = case.scope
        keys = self._counterparts(scope.customerp, made.key(scope.customerp), scope.exact)
        if len(keys) != 1:
            return False, f"one {scope.exact}", f"{len(keys)} of them"
        if case.property not in scope.rows:
            return True, "", ""
        sent = self._sent(case, made)
        wanted = after_creation(scope, case.property, sent)
        return self._compared(case, made, case.property, {scope.customerp: sent, scope.exact: wanted})

    def _sent(self, case: Case, made: Made) -> str:
        """What the record was made with: Customerp may have dropped it without a word."""
        scope = case.scope
        row, member = scope.rows[case.property], scope.member(case.property, scope.customerp)
        if case.edge:
            return meaning(case.typed, row, member)
        given = self.stock.values(scope, scope.customerp, case.number)
        if member.name in given:
            return self.stock.shared(scope, case.property, scope.customerp, given)
        return self._held(case, case.property, scope.customerp, made.key(scope.customerp))

    def _not_created(self, case: Case, made: Made) -> Verdict:
        scope = case.scope
        keys = self._counterparts(scope.exact, made.key(scope.exact), scope.customerp)
        wanted = 1 if scope.flow.create.customerp else 0
        return len(keys) == wanted, f"{wanted} {scope.customerp}", f"{len(keys)}: {', '.join(keys)}"

    def _by_hand(self, case: Case, made: Made) -> Verdict:
        number = self.links.clusters.get((case.source, made.key(case.source)))
        waits = number is not None and (number, case.scope.exact) in self.links.by_hand
        return waits, f"a {case.scope.exact} that a person is asked to enter", "nobody is asked"

    def _matched(self, case: Case, made: Made) -> Verdict:
        scope = case.scope
        wanted = [made.key(scope.exact)]
        found = self._counterparts(scope.customerp, made.key(scope.customerp), scope.exact)
        return found == wanted, f"linked to {scope.exact}/{wanted[0]}", _linked_to(scope.exact, found)

    def _not_matched(self, case: Case, made: Made) -> Verdict:
        scope = case.scope
        apart = made.key(scope.exact)
        found = self._counterparts(scope.customerp, made.key(scope.customerp), scope.exact)
        right = apart not in found and len(found) == (0 if scope.unmade else 1)
        return right, f"not linked to {scope.exact}/{apart}, and one created", _linked_to(scope.exact, found)

    def _ambiguous(self, case: Case, made: Made) -> Verdict:
        scope = case.scope
        found = [
            other
            for key in made.keys[scope.customerp]
            for other in self._counterparts(scope.customerp, key, scope.exact)
        ]
        # Linked to nothing is also what no sync has looked at.
        loose = [
            f"{case.source}/{key}" for key in made.keys[case.source] if (case.source, key) not in self.links.ambiguous
        ]
        told = [_linked_to(scope.exact, found), *(f"{name} is not held as ambiguous" for name in loose)]
        return not found and not loose, f"{scope.customerp} is linked to nothing, and all is held", "; ".join(told)

    def _joined(self, case: Case, made: Made) -> Verdict:
        scope, join = case.scope, case.scope.flow.join
        if join is None:
            return False, "a join", "none"
        one = self._counterparts(join.to, made.key(join.to), scope.exact)
        other = self._counterparts(join.entity, made.key(join.entity), scope.exact)
        return bool(one) and one == other, f"both linked to one {scope.exact}", f"{one} and {other}"

    def _not_linked(self, case: Case, made: Made) -> Verdict:
        """A row of which nothing could be done, because its record has no counterpart."""
        there = [entity for entity in case.scope.flow.entities if made.key(entity)]
        return False, "a linked pair of records", f"only {', '.join(there) or 'neither'}"

    # Rows about what was done to linked records.

    def _edited(self, case: Case, made: Made, act: Act) -> Verdict:
        verdicts = []
        for name in dict.fromkeys(name for _, name, _ in act.edits):
            edits = [(entity, typed) for entity, of, typed in act.edits if of == name]
            if len(edits) > 1:
                wanted = after_both(case.scope, name, edits)
            else:
                entity, typed = edits[0]
                before = {side: values[name] for side, values in act.before.items()}
                wanted = after_edit(case.scope, name, entity, before, typed)
            verdicts.append(self._compared(case, made, name, wanted))
        wrong = [verdict for verdict in verdicts if not verdict[0]]
        return not wrong, "; ".join(each[1] for each in wrong), "; ".join(each[2] for each in wrong)

    def _line_added(self, case: Case, made: Made, act: Act) -> Verdict:
        scope, target = case.scope, case.scope.other(case.source)
        made_there = scope.flow.create.customerp if target == scope.customerp else scope.flow.create.exact
        document = made.documents.get(str(scope.capabilities[target].document))
        keys = self._counterparts(case.source, act.line, target)
        found = [key for key in keys if str((self.books.get(target, key) or {}).get("_document")) == document]
        wanted = 1 if made_there else 0
        return len(found) == wanted, f"{wanted} {target} in document {document}", f"{len(found)}: {', '.join(keys)}"

    def _gone(self, case: Case, made: Made, _: Act) -> Verdict:
        scope, source = case.scope, case.source
        target, policy = scope.other(source), scope.flow.when_gone.policy(source)
        other = self.books.get(target, made.key(target))
        number = self.links.clusters.get((source, made.key(source)))
        again = [key for entity, key in self.links.members.get(number or 0, []) if entity == source]
        again = [key for key in again if key != made.key(source) and self.books.get(source, key) is not None]
        archive = scope.subject.deletions_of(target).archive
        found = f"{target} {'stays' if other is not None else 'is gone'}, {source} {again or 'is gone'}"
        if policy == "delete":
            return other is None and not again, f"{target} is deleted too", found
        if policy == "restore":
            return other is not None and len(again) == 1, f"{source} is created again", found
        if policy == "archive" and archive is not None:
            held = str((other or {}).get(archive.name) or "").strip()
            return held == archive.value, f"{target} {archive.name} = {archive.value}", f"{archive.name} = {held}"
        return other is not None and not again, f"{target} stays, {source} is not put back", found

    # What both rest on.

    def _counterparts(self, entity: str, key: str, other: str) -> list[str]:
        """Counterparts that the ledger knows and the other system has."""
        return [each for each in self.links.counterparts(entity, key, other) if self.books.get(other, each) is not None]

    def _held(self, case: Case, name: str, entity: str, key: str) -> str:
        record = self.books.get(entity, key)
        return _NOTHING if record is None else self.stock.shared(case.scope, name, entity, record)

    def _compared(self, case: Case, made: Made, name: str, wanted: Expected) -> Verdict:
        row = case.scope.rows[name]
        found = {entity: self._held(case, name, entity, made.key(entity)) for entity in wanted}
        wrong = {
            entity: text for entity, text in wanted.items() if text is not None and not alike(row, text, found[entity])
        }
        told = {entity: f"{system_name(entity)} {case.scope.member(name, entity).name}" for entity in wrong}
        return (
            not wrong,
            ", ".join(f"{told[entity]} = {_quoted(text)}" for entity, text in wrong.items()),
            ", ".join(f"{told[entity]} = {_quoted(found[entity])}" for entity in wrong),
        )


def _quoted(text: str | None) -> str:
    if not text:
        return "nothing"
    if len(text) <= _SHOWN:
        return f"'{text}'"
    return f"'{text[: _SHOWN - 20]}...{text[-10:]}' ({len(text)} characters)"


def _linked_to(entity: str, keys: list[str]) -> str:
    return f"linked to {', '.join(f'{entity}/{key}' for key in keys)}" if keys else "linked to nothing"


def _names(made: Made) -> list[str]:
    documents = [(entity, key) for entity, key in made.documents.items() if not made.keys.get(entity)]
    return [f"{entity}/{key}" for entity, key in [*documents, *made.places]]


def _refused(case: Case, made: Made, wanted: str, reason: str, *, optional: bool) -> Row:
    """The outcome where a system did not take what was done: optional is what it may have reasons to refuse."""
    outcome: Outcome = NOT_APPLICABLE if optional else FAILED
    told = {} if optional else {"expected": wanted, "found": "it was refused"}
    return Row.of(case, outcome, reason=reason, records=_names(made), **told)
