"""Play the checklist: make records, sync, edit them, sync again, and judge."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from talk_assets.installation import Installation
from talk_assets.qa.acting import ACTING, Act, Actor
from talk_assets.qa.books import Books
from talk_assets.qa.cases import Case
from talk_assets.qa.hands import Hands
from talk_assets.qa.judging import Judge
from talk_assets.qa.links import Links, read_links
from talk_assets.qa.making import Made, Maker
from talk_assets.qa.result import NOT_APPLICABLE, Row
from talk_assets.qa.scope import Scope, scopes
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
        made: by `Case.record` what was made.
    """

    installation: Installation
    cases: Sequence[Case]
    hands: Hands
    stock: Stock
    books: Books
    syncs: Syncs
    tell: Tell
    made: dict[str, Made] = field(default_factory=dict)

    def run(self) -> list[Row]:
        """Play every row.

        Raises:
            TalkError: a system does not answer, or a sync cannot be run.
        """
        played = [case for case in self.cases if not case.skip]
        self._fill([*{case.scope.name: case.scope for case in played}.values()])
        maker = Maker(self.hands, self.stock)
        done = 0
        for wave in waves(played, self._limit):
            self.tell(MAKING, done, len(played), "making records")
            maker.make(wave, self.made)
            done += len(wave)
            self._sync(MAKING, done, len(played))
        self._sync(MAKING, done, len(played))
        links = self._look()
        self._learn(links)
        rows = {case.id: self._judge(case, links, None) for case in played if case.kind not in ACTING}
        rows |= self._edit([case for case in played if case.kind in ACTING])
        skipped = {case.id: Row.of(case, NOT_APPLICABLE, reason=case.skip) for case in self.cases if case.skip}
        return [{**rows, **skipped}[case.id] for case in self.cases]

    def _edit(self, acting: Sequence[Case]) -> dict[str, Row]:
        actor, acts, done = Actor(self.hands, self.stock, self.books), dict[str, Act](), 0
        for wave in waves(acting, self._limit):
            self.tell(EDITING, done, len(acting), "editing records")
            acts |= actor.act(wave, self.made)
            done += len(wave)
            self._sync(EDITING, done, len(acting))
        if acting:
            self._sync(EDITING, done, len(acting))
        links = self._look([act.line for act in acts.values() if act.line])
        return {case.id: self._judge(case, links, acts.get(case.id)) for case in acting}

    def _judge(self, case: Case, links: Links, act: Act | None) -> Row:
        return Judge(self.stock, self.books, links).row(case, self.made[case.record], act)

    def _fill(self, wanted: Sequence[Scope]) -> None:
        """Make what others refer to, and learn its keys in both systems."""
        self.tell(MAKING, 0, len(self.cases), "making what others refer to")
        self.stock.fill(wanted, self.hands)
        places = self.stock.places
        if not places:
            return
        self._sync(MAKING, 0, len(self.cases))
        links = read_links(self.installation.ledger, self.installation.division, places)
        for scope in scopes(self.cases[0].scope.mappings, self.cases[0].scope.capabilities):
            for which in (USUAL, SECOND):
                key = self.stock.keys.get((scope.subject.subject, which, scope.customerp))
                found = links.counterparts(scope.customerp, key, scope.exact) if key is not None else []
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

    def _look(self, lines: Sequence[str] = ()) -> Links:
        """Read both systems, and what the ledger says of all records made."""
        self.tell(JUDGING, 0, 1, "reading both systems")
        self.books.refresh()
        self._find_lines()
        places = [place for made in self.made.values() for place in (*made.places, *made.documents.items())]
        at = self.installation
        links = read_links(at.ledger, at.division, [*places, *(("", line) for line in lines)], self.syncs.runs)
        self.tell(JUDGING, 1, 1, "")
        return links

    def _find_lines(self) -> None:
        """The lines of the documents that were made for the sake of one line."""
        for case in self.cases:
            made = self.made.get(case.record)
            document = case.scope.document
            if made is None or document is None or case.scope.customerp in made.keys:
                continue
            owner = made.documents.get(document.customerp)
            lines = self.books.lines_of(case.scope.customerp, owner) if owner is not None else []
            if lines:
                made.keys[case.scope.customerp] = lines[:1]

    def _learn(self, links: Links) -> None:
        """Which records came to be the counterparts of those that were made."""
        for case in self.cases:
            made = self.made.get(case.record)
            if made is None or case.criterion or case.kind in ("not_created", "joined"):
                continue
            scopes_of = [case.scope] if case.scope.document is None else [case.scope, case.scope.document]
            for scope in scopes_of:
                place = made.documents if scope is case.scope.document else None
                key = place.get(scope.customerp, "") if place is not None else made.key(scope.customerp)
                found = [
                    each
                    for each in links.counterparts(scope.customerp, key, scope.exact)
                    if self.books.get(scope.exact, each) is not None
                ]
                if found and place is not None:
                    place[scope.exact] = found[0]
                elif found:
                    made.keys[scope.exact] = found


def waves(cases: Sequence[Case], limit: Callable[[str], int]) -> Iterator[list[Case]]:
    """Rows together for one sync, so that it writes to no entity more often than a guard lets through.

    Args:
        cases: the rows.
        limit: of an entity, the writes of one sync.
    """
    wave: list[Case] = []
    counted: Counter[str] = Counter()
    for case in cases:
        concerned = _written(case)
        if wave and any(counted[entity] + 1 > limit(entity) for entity in concerned):
            yield wave
            wave, counted = [], Counter()
        wave.append(case)
        counted.update(concerned)
    if wave:
        yield wave


def _written(case: Case) -> list[str]:
    """The entities to which a sync may write because of a row: all that are paired with those of the row."""
    scope = case.scope.document or case.scope
    mine = set(scope.flow.entities)
    every = [flow.entities for flow in scope.subject.flows.values() if mine & set(flow.entities)]
    return sorted({entity for pair in every for entity in pair})
