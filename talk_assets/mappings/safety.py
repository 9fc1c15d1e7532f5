"""What a mapping file says about deleted records, and about how much may change at once."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Policy = Literal[
    "ignore",  # noted, goes nowhere: the counterpart stays as it is, the deleted record is not put back
    "delete",  # the counterpart is deleted
    "archive",  # a property of the counterpart is set, see `Deletions.archive`
    "restore",  # the deleted record is created again from the agreed values
]
Edited = Literal[
    "conflict",  # nothing is deleted, a person decides
    "edit",  # the edit wins: nothing is deleted, the deleted record is created again
    "delete",  # the deletion wins
]


class Strict(BaseModel):
    """Refuses keys it does not know, so that a misspelt option is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WhenGone(Strict):
    """What a flow does when one of two linked records is deleted in its system.

    Attributes:
        customerp: when the record of Customerp is gone: `delete` and `archive` concern the record of Exact, `restore`
            the record of Customerp.
        exact: when the record of Exact is gone, the other way round.
        edited: what comes of `delete` and `archive` when the counterpart was edited since both were last equal.
    """

    customerp: Policy = "ignore"
    exact: Policy = "ignore"
    edited: Edited = "conflict"

    def policy(self, entity: str) -> Policy:
        """What happens when the record of this entity is gone."""
        return self.customerp if entity.startswith("customerp.") else self.exact


class DeletedWhen(Strict):
    """A property that says that a record counts as deleted although it is still there.

    Attributes:
        name: the system's own property.
        equals: values that say so, compared without regard to case; without it any value but `false` does.
    """

    name: str
    equals: list[str] | None = Field(default=None, min_length=1)

    def says(self, value: str) -> bool:
        """Whether a record with this value counts as deleted."""
        text = value.casefold()
        return text in map(str.casefold, self.equals) if self.equals is not None else text not in ("", "false")


class Archive(Strict):
    """What is written to a record instead of deleting it: the system's own property, and its value as text."""

    name: str
    value: str


class Deletions(Strict):
    """How it is told that records of an entity are gone, and what archiving one means.

    Attributes:
        deleted_when: a record with this property counts as deleted: it has no say, is not written and not created
            elsewhere. Without it, a record counts as deleted that was archived (`archive`).
        archive: what the policy `archive` sets on a record of this entity.
        snapshot: every run reads the entity from the beginning, for a system that lists no deletions.
        misses_needed: in how many whole reads in a row a known record has to be missing before it is taken for deleted.
        verify: whether it is also looked up by itself before it is taken for deleted.
    """

    deleted_when: DeletedWhen | None = None
    archive: Archive | None = None
    snapshot: bool = False
    misses_needed: int = Field(default=2, ge=1)
    verify: bool = True

    @property
    def mark(self) -> DeletedWhen | None:
        """The property by which a record counts as deleted, if there is one."""
        if self.deleted_when is not None or self.archive is None:
            return self.deleted_when
        return DeletedWhen(name=self.archive.name, equals=[self.archive.value])

    @model_validator(mode="after")
    def _archived_is_deleted(self) -> "Deletions":
        mark, archive = self.deleted_when, self.archive
        if mark is None or archive is None:
            return self
        if mark.name != archive.name or not mark.says(archive.value):
            raise ValueError(
                f"`archive` sets {archive.name} to {archive.value!r}, by which `deleted_when` does not know a deleted "
                "record: an archived one would be written again; let both name the same property and value"
            )
        return self


class Guards(Strict):
    """How much of one entity may change in one run before a person has to look at it.

    The defaults let a company with 10,000 customers work without noticing them.

    Attributes:
        max_writes_per_run: so many writes are always let through.
        max_writes_share: beyond that, as many as this share of the entity's records.
        max_deletes_per_run: so many deletions and archivings of an entity's records are let through.
        guard_from_second_run: the writes that the first run of the subject planned are not counted, because a first run
            naturally writes much.
        max_missing: so many records may be missing or reported as deleted at once.
        max_missing_share: beyond that, as many as this share of the entity's records.
        max_retries: how often a write that fails for now is tried again before a person has to look at it; without it,
            for ever, at growing intervals.
    """

    max_writes_per_run: int = Field(default=200, ge=0)
    max_writes_share: float = Field(default=0.2, ge=0, le=1)
    max_deletes_per_run: int = Field(default=50, ge=0)
    guard_from_second_run: bool = True
    max_missing: int = Field(default=10, ge=0)
    max_missing_share: float = Field(default=0.1, ge=0, le=1)
    max_retries: int | None = Field(default=None, ge=0)

    def most_writes(self, known: int) -> int:
        """How many writes an entity with so many records may be sent in one run."""
        return max(self.max_writes_per_run, int(self.max_writes_share * known))

    def most_missing(self, known: int) -> int:
        """How many of so many records may be missing at once."""
        return max(self.max_missing, int(self.max_missing_share * known))
