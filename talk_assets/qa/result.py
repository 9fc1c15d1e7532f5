"""How the rows of the checklist ended."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from talk_assets.qa.case import Case

Outcome = Literal["passed", "failed", "not applicable"]
PASSED: Outcome = "passed"
FAILED: Outcome = "failed"
NOT_APPLICABLE: Outcome = "not applicable"


@dataclass(frozen=True)
class Row:
    """One row of the checklist, played.

    Attributes:
        id: flow/property/case.
        flow: its flow.
        property: shared name, or `record`.
        title: what was done, as a sentence.
        outcome: how it ended.
        expected: of a failed row what should be, in words.
        found: of a failed row what is.
        reason: why it does not apply; of a failed row what the ledger says about it.
        records: `entity/key` of the records concerned.
    """

    id: str
    flow: str
    property: str
    title: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    reason: str = ""
    records: Sequence[str] = ()

    @classmethod
    def of(cls, case: Case, outcome: Outcome, **told: Any) -> "Row":
        """The outcome of a case."""
        return cls(case.id, case.scope.name, case.property, case.title, outcome, **told)


@dataclass(frozen=True)
class Result:
    """What a run of the checklist came to.

    Attributes:
        run: its four digits.
        systems: what it was played against, in words.
        seconds: how long it took.
        syncs: how many syncs it needed.
        calls: system to the calls that were sent, those of syncs included.
        rows: in the order of the document.
        left: `entity/key: reason` of records that could not be removed.
        remarks: what else a person should know.
    """

    run: str
    systems: str
    seconds: float
    syncs: int
    calls: dict[str, int]
    rows: Sequence[Row]
    left: Sequence[str] = ()
    remarks: Sequence[str] = field(default=())

    @property
    def counts(self) -> Counter[str]:
        """Outcome to number of rows."""
        return Counter(row.outcome for row in self.rows)

    @property
    def failed(self) -> list[Row]:
        """The rows that failed."""
        return [row for row in self.rows if row.outcome == FAILED]

    def by_flow(self) -> dict[str, Counter[str]]:
        """Flow to outcome to number of rows."""
        found: dict[str, Counter[str]] = {}
        for row in self.rows:
            found.setdefault(row.flow, Counter())[row.outcome] += 1
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything as one JSON object."""
        counts = {name: self.counts[name] for name in (PASSED, FAILED, NOT_APPLICABLE)}
        return {**asdict(self), "rows": [asdict(row) for row in self.rows], "counts": counts}
