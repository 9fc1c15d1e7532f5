"""One row of the checklist, before it is played."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from talk_assets.qa.scope import Scope

Kind = Literal[
    "created",  # made in Customerp: what Exact holds of it
    "not_created",  # made in Exact: whether Customerp gets one
    "by_hand",  # made in Customerp, and to be entered in Exact by a person
    "edit",  # one property edited in one system
    "both",  # one property edited in both
    "apart",  # different properties edited, one in each system
    "match",  # made in both, equal by a criterion
    "no_match",  # made in both, not equal by it
    "ambiguous",  # made in both, twice in one of them
    "joined",  # a record that names another one shares its counterpart
    "line_added",
    "line_removed",
    "deleted",
]
# What stands for the property where a row is about the record as a whole.
RECORD = "record"
# How the letters of a criterion's value are changed so that only some comparisons still find it equal.
LETTER_CASE, BLANKS, PUNCTUATION = "letter-case", "blanks", "punctuation"


@dataclass(frozen=True)
class Case:
    """One row of the checklist.

    Attributes:
        scope: the flow.
        property: shared name, or `RECORD`.
        name: of the row within its property.
        kind: what is done.
        title: the same as a sentence.
        source: the entity in which somebody does it; of `both` the one that is edited first.
        edge: which of `talk_assets.qa.values` is typed there; '' for none.
        record: name of the record that the row is about; several rows may be about one, see `sharing`.
        number: of that record, by which its values are its own.
        typed: the value typed, in the entity's own form.
        start: the shared value that the record has before, where it is not the usual one.
        other: of `apart` the property that is edited in the other entity.
        criterion: of rows about matching: the properties of one criterion.
        variant: how the records of such a row differ, '' for not at all.
        skip: why the row does not apply; '' where it does.
    """

    scope: Scope
    property: str
    name: str
    kind: Kind
    title: str
    source: str = ""
    edge: str = ""
    record: str = ""
    number: int = 0
    typed: str = ""
    start: str | None = None
    other: str = ""
    criterion: tuple[str, ...] = ()
    variant: str = ""
    skip: str = ""

    @cached_property
    def id(self) -> str:
        """What the row is called from run to run: flow/property/case."""
        return f"{self.scope.name}/{self.property}/{self.name}"
