"""The records of the rows, made as people make them before the first sync sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from talk_assets.qa.case import BLANKS, LETTER_CASE, Case
from talk_assets.qa.cases import flow_to
from talk_assets.qa.hands import Hands, Refused
from talk_assets.qa.samples import sample
from talk_assets.qa.scope import Scope
from talk_assets.qa.stock import SECOND, USUAL, Stock

# How far the numbers of further records of one row are from its own.
FURTHER = (3000, 6000)


@dataclass
class Made:
    """The records of one row, or of several rows about one creation.

    Attributes:
        keys: entity to the keys of its records, the row's own first.
        documents: of lines: entity of documents to the key of the document.
        refused: why they could not be made; '' where they were.
        optional: whether the system may well refuse them.
    """

    keys: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    optional: bool = False

    def key(self, entity: str) -> str:
        """The row's own record in an entity; '' where there is none."""
        return next(iter(self.keys.get(entity, [])), "")

    @property
    def places(self) -> list[tuple[str, str]]:
        """Entity and key of all of them."""
        return [(entity, key) for entity, keys in self.keys.items() for key in keys]


@dataclass
class Maker:
    """Makes records.

    Attributes:
        hands: make them in the systems.
        stock: knows their values.
    """

    hands: Hands
    stock: Stock

    def make(self, cases: Iterable[Case], made: dict[str, Made]) -> None:
        """Make what the rows need and is not there yet.

        Args:
            cases: the rows.
            made: by `Case.record`; filled.

        Raises:
            SystemFault: a system does not answer.
        """
        for case in cases:
            if case.record in made:
                continue
            found = made[case.record] = Made()
            try:
                self._records(case, found)
            except Refused as refused:
                found.refused = str(refused)

    def _records(self, case: Case, made: Made) -> None:
        scope = case.scope
        if case.criterion:
            self._to_match(case, made)
        elif case.kind == "not_created":
            self._add(scope, scope.exact, case.number, made)
        elif case.kind == "joined":
            self._joined(case, made)
        elif scope.document is not None:
            self._document_of_lines(case, scope, scope.document, made)
        else:
            # A value at the edge may be one that Customerp does not take.
            made.optional = bool(case.edge) and case.kind == "created"
            self._add(scope, scope.customerp, case.number, made, *_before(case, self.stock))

    def _add(
        self,
        scope: Scope,
        entity: str,
        number: int,
        made: Made,
        start: dict[str, str] | None = None,
        typed: dict[str, str] | None = None,
    ) -> None:
        values = self.stock.values(scope, entity, number, start, typed)
        key = self.hands.create(entity, values, self._lines(scope, entity, number))
        made.keys.setdefault(entity, []).append(key)

    def _lines(self, scope: Scope, entity: str, number: int) -> list[dict[str, str]]:
        """One line for a document."""
        lines = scope.capabilities[entity].lines
        of = _line_scope(scope, lines) if lines is not None else None
        return [self.stock.values(of, lines, number)] if of is not None and lines is not None else []

    def _document_of_lines(self, case: Case, scope: Scope, document: Scope, made: Made) -> None:
        start, typed = _before(case, self.stock)
        lines = [self.stock.values(scope, scope.customerp, case.number, start, typed)]
        if case.kind == "line_removed":
            # A document without lines may not be.
            lines.append(self.stock.values(scope, scope.customerp, case.number + FURTHER[0]))
        made.optional = bool(case.edge) and case.kind == "created"
        values = self.stock.values(document, document.customerp, case.number)
        made.documents[document.customerp] = self.hands.create(document.customerp, values, lines)

    def _joined(self, case: Case, made: Made) -> None:
        scope, join = case.scope, case.scope.flow.join
        named = flow_to(scope, join.to) if join is not None else None
        if join is None or named is None:
            return
        self._add(named, join.to, case.number + FURTHER[0], made)
        values = self.stock.values(scope, join.entity, case.number) | {join.name: made.key(join.to)}
        lines = self._lines(scope, join.entity, case.number)
        made.keys[join.entity] = [self.hands.create(join.entity, values, lines)]

    def _to_match(self, case: Case, made: Made) -> None:
        """Records in both systems, with the criterion's values as the row wants them and all others their own."""
        scope = case.scope
        usual = {
            name: USUAL if scope.rows[name].type == "reference" else self._criterion_sample(case, name)
            for name in case.criterion
        }
        start = dict.fromkeys(case.criterion, "") if case.variant == "empty" else usual
        twice = case.kind == "ambiguous"
        made.optional = case.variant == "empty"
        for entity in scope.flow.entities:
            first = case.number if entity == scope.customerp else case.number + FURTHER[0]
            self._add(scope, entity, first, made, *(self._varied(case, start, entity)))
            if twice and entity == case.source:
                # A system may take no two of them, and then nothing can be ambiguous.
                made.optional = True
                self._add(scope, entity, case.number + FURTHER[1], made, start)

    def _criterion_sample(self, case: Case, name: str) -> str:
        return sample(case.scope, name, case.number, self.stock.mark)

    def _varied(self, case: Case, start: dict[str, str], entity: str) -> tuple[dict[str, str], dict[str, str]]:
        """Shared and own values of the record of one side; those of Exact's are changed as the row wants."""
        how, _, name = case.variant.partition(":")
        if entity != case.scope.exact or not name:
            return start, {}
        if how == "differs":
            if case.scope.rows[name].type == "reference":
                return {**start, name: SECOND}, {}
            return {each: text for each, text in start.items() if each != name} | {
                name: sample(case.scope, name, case.number + FURTHER[0], self.stock.mark)
            }, {}
        return start, {name: _changed(start[name], how)}


def _before(case: Case, stock: Stock) -> tuple[dict[str, str], dict[str, str]]:
    """What the record of a row is made with instead of the usual: shared values, and own ones."""
    if case.kind == "created" and case.edge:
        return {}, {case.property: stock.typed(case.scope, case.property, case.source, case.typed)}
    return ({case.property: case.start} if case.start is not None else {}), {}


def _changed(text: str, how: str) -> str:
    """The same text in another spelling."""
    if how == LETTER_CASE:
        return text.swapcase()
    middle = next((at for at in range(2, len(text)) if text[at - 1 : at + 1].isalnum()), 1)
    return f"{text[:middle]}{' ' if how == BLANKS else '.'}{text[middle:]}"


def _line_scope(scope: Scope, lines: str) -> Scope | None:
    """A flow of the lines of a flow's documents."""
    subject = scope.subject.lines
    for name, flow in subject.flows.items() if subject is not None else ():
        if subject is not None and lines in flow.entities:
            return Scope(name, flow, subject, scope.mappings, scope.capabilities, scope)
    return None
