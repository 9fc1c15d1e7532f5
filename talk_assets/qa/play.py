"""Play the checklist: make records, sync, edit them, sync again, and judge."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from talk_assets.installation import Installation
from talk_assets.qa.acting import ACTING, Act, Actor
from talk_assets.qa.books import Books
from talk_assets.qa.case import Case
from talk_assets.qa.hands import Hands
from talk_assets.qa.judging import Judge
from talk_assets.qa.links import Links, Place, read_links
from talk_assets.qa.making import Made, Maker
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, Row
from talk_assets.qa.scope import Scope, scopes
from talk_assets.qa.sharing import alone, numbered
from talk_assets.qa.stock import SECOND, USUAL, Stock
from talk_assets.qa.syncs import Syncs

# Called with a stage, what of it is done, how much there is, and a word about what is going on.
Tell = Callable[[str, int, int, str], None]
MAKING, EDITING, JUDGING = "Make", "Edit", "Judge"
# Of what a guard lets through in a run, the share that the checklist takes up: others write meanwhile.
_SHARE = 0.8


@dataclass
class Play:
    """One run of the checklist.

    Attributes:
        installation: whose ledger and mappings the syncs use.
        cases: the rows.
        hands: make and edit records.
        stock: knows values.
        books: what the systems hold.
        syncs: run the syncs.
        tell: called as it goes on.
    """

    installation: Installation
    cases: Sequence[Case]
    hands: Hands
    stock: Stock
    books: Books
    syncs: Syncs
    tell: Tell

    def run(self) -> list[Row]:
        """Play every row.

        Raises:
            TalkError: a system does not answer, or a sync cannot be run.
        """
        played = [case for case in self.cases if not case.skip]
        self._fill([*{case.scope.name: case.scope for case in played}.values()])
        rows = {case.id: Row.of(case, NOT_APPLICABLE, reason=case.skip) for case in self.cases if case.skip}
        rows |= self._round(played)
        rows |= self._round(self._again(played, rows))
        return [rows[case.id] for case in self.cases]

    def _again(self, played: Sequence[Case], rows: Mapping[str, Row]) -> list[Case]:
        """Rows that failed on a record that they shared, each about a record of its own: one may have spoilt others."""
        sharing = Counter(case.record for case in played)
        failed = [
            case
            for case in played
            if case.kind in ACTING and sharing[case.record] > 1 and rows[case.id].outcome == FAILED
        ]
        return numbered([alone(case) for case in failed], self.stock.mark, behind=len(sharing))

    def _round(self, cases: Sequence[Case]) -> dict[str, Row]:
        """Play some rows; by id how they ended."""
        if not cases:
            return {}
        maker, made, done = Maker(self.hands, self.stock), dict[str, Made](), 0
        for wave in waves(cases, self._limit):
            self.tell(MAKING, done, len(cases), "making records")
            maker.make(wave, made)
            done += len(wave)
            self._sync(MAKING, done, len(cases))
        self._sync(MAKING, done, len(cases))
        links = self._look(cases, made)
        learn(cases, made, links, self.books)
        judge = Judge(self.stock, self.books, links)
        rows = {case.id: judge.row(case, made[case.record], None) for case in cases if case.kind not in ACTING}
        return rows | self._edit([case for case in cases if case.kind in ACTING], made)

    def _edit(self, acting: Sequence[Case], made: dict[str, Made]) -> dict[str, Row]:
        if not acting:
            return {}
        actor, acts, done = Actor(self.hands, self.stock, self.books), dict[str, Act](), 0
        for wave in waves(acting, self._limit):
            self.tell(EDITING, done, len(acting), "editing records")
            acts |= actor.act(wave, made)
            done += len(wave)
            self._sync(EDITING, done, len(acting))
        self._sync(EDITING, done, len(acting))
        links = self._look(
            acting,
            made,
            [(case.source, acts[case.id].line) for case in acting if case.id in acts and acts[case.id].line],
        )
        judge = Judge(self.stock, self.books, links)
        return {case.id: judge.row(case, made[case.record], acts.get(case.id)) for case in acting}

    def _fill(self, wanted: Sequence[Scope]) -> None:
        """Make what others refer to, and learn its keys in both systems."""
        self.tell(MAKING, 0, len(self.cases), "making what others refer to")
        self.stock.fill(wanted, self.hands)
        places = self.stock.places
        if not places:
            return
        self._sync(MAKING, 0, len(self.cases))
        links = read_links(self.installation.ledger, self.installation.division, places, self.syncs.runs)
        for scope in scopes(self.cases[0].scope.mappings, self.cases[0].scope.capabilities):
            for which in (USUAL, SECOND):
                key = self.stock.keys.get((scope.subject.subject, which, scope.customerp))
                found = links.created(scope.customerp, key, scope.exact) if key is not None else []
                if found:
                    self.stock.learn(scope, which, found[0])

    def _limit(self, entity: str) -> int:
        """How many writes to an entity the checklist plans for one sync, so that no guard stops it."""
        mappings = self.installation.mappings
        if entity not in mappings.with_lines:
            return 1
        guard = mappings.subject_of(entity).guards_of(entity)
        return max(1, int(min(guard.max_writes_per_run, guard.max_deletes_per_run * 100) * _SHARE))

    def _sync(self, stage: str, done: int, total: int) -> None:
        self.syncs.run(lambda what: self.tell(stage, done, total, what))

    def _look(self, cases: Sequence[Case], made: Mapping[str, Made], lines: Sequence[Place] = ()) -> Links:
        """Read both systems, and what the ledger says of all records made."""
        self.tell(JUDGING, 0, 1, "reading both systems")
        self.books.refresh()
        find_lines(cases, made, self.books)
        places = [place for each in made.values() for place in (*each.places, *each.documents.items())]
        at = self.installation
        links = read_links(at.ledger, at.division, [*places, *lines], self.syncs.runs)
        self.tell(JUDGING, 1, 1, "")
        return links


def find_lines(cases: Sequence[Case], made: Mapping[str, Made], books: Books) -> None:
    """Find the lines of the documents that were made for the sake of one line."""
    for case in cases:
        records, document = made[case.record], case.scope.document
        owner = records.documents.get(document.customerp) if document is not None else None
        if owner is not None and case.scope.customerp not in records.keys:
            records.keys[case.scope.customerp] = books.lines_of(case.scope.customerp, owner)[:1]


def learn(cases: Sequence[Case], made: Mapping[str, Made], links: Links, books: Books) -> None:
    """Learn which records syncs created as the counterparts of those that were made, and may be edited and deleted."""

    def counterpart(scope: Scope, key: str) -> list[str]:
        found = links.created(scope.customerp, key, scope.exact)
        return [each for each in found if books.get(scope.exact, each) is not None]

    for case in cases:
        records, scope, document = made[case.record], case.scope, case.scope.document
        if case.criterion or case.kind in ("not_created", "joined"):
            continue
        if scope.exact not in records.keys:
            records.keys[scope.exact] = counterpart(scope, records.key(scope.customerp))
        if document is not None and document.exact not in records.documents:
            found = counterpart(document, records.documents.get(document.customerp, ""))
            if found:
                records.documents[document.exact] = found[0]


def waves(cases: Sequence[Case], limit: Callable[[str], int]) -> Iterator[list[Case]]:
    """Rows together for one sync, so that it writes to no entity more often than a guard lets through.

    Args:
        cases: the rows; those about one record come together.
        limit: of an entity, the writes of one sync.
    """
    records: dict[str, list[Case]] = {}
    for case in cases:
        records.setdefault(case.record, []).append(case)
    wave: list[Case] = []
    counted: Counter[str] = Counter()
    for about in records.values():
        concerned = _written(about[0])
        if wave and any(counted[entity] + 1 > limit(entity) for entity in concerned):
            yield wave
            wave, counted = [], Counter()
        wave += about
        counted.update(concerned)
    if wave:
        yield wave


def _written(case: Case) -> list[str]:
    """The entities to which a sync may write because of a row: all that are paired with those of the row."""
    scope = case.scope.document or case.scope
    mine = set(scope.flow.entities)
    every = [flow.entities for flow in scope.subject.flows.values() if mine & set(flow.entities)]
    return sorted({entity for pair in every for entity in pair})
