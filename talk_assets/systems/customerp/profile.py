"""A connector profile: how a company's own ERP says what the published contract says.

Every default is the contract's (`docs/customerp-openapi.yaml`), so a profile holds only what differs. Reading a
profile file, with errors that name file and line, is in `talk_assets.systems.customerp.profile_file`.
"""

from typing import Literal, Self, TypeVar

from pydantic import Field, PrivateAttr, model_validator

from talk_assets.systems.customerp.sections import (
    Authentication,
    Bearer,
    Changes,
    ChangeToken,
    Check,
    Conditional,
    Create,
    Cursor,
    Delete,
    Deletions,
    EntityName,
    Envelope,
    Formats,
    Limit,
    Lines,
    ListPath,
    ModifiedSince,
    NextUrl,
    Paging,
    Problem,
    RecordPath,
    Section,
    Statuses,
    Update,
    WireType,
)

# Names of the contract that have settings of their own instead of a row in `names`.
KEY, MODIFIED, VERSION, LINES = "Id", "Modified", "Version", "Lines"
LINE_ENTITIES = ("quote_line", "order_line")
M = TypeVar("M", bound=Section)
_CLOCK_CHANGE = 3600  # seconds that local times go back in autumn


def overlay(general: M, own: M | None) -> M:
    """The general settings with those that are given for one entity put over them."""
    if own is None:
        return general
    return general.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


class EntityProfile(Section):
    """One kind of record; what is not given is as the profile says for all.

    Attributes:
        list: path of the list.
        one: path of one record, with `{key}`; the list's path and the key unless given.
        names: the contract's names to the ERP's; dotted for nested objects.
        types: the contract's names to another JSON type than the contract's (a key that is a number: `Id: integer`).
        limits: the contract's names to what the ERP takes of them, where that differs from the contract.
        query: sent with every reading of the list.
    """

    list: ListPath | None = None
    one: RecordPath | None = None
    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    key: str | None = None
    modified: str | None = None
    version: str | None = None
    names: dict[str, str] = Field(default_factory=dict)
    types: dict[str, WireType] = Field(default_factory=dict)
    limits: dict[str, Limit] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    envelope: Envelope | None = None
    changes: Changes | None = None
    lines: Lines | None = None

    @model_validator(mode="after")
    def _special_names(self) -> Self:
        for name, setting in {KEY: "key", MODIFIED: "modified", VERSION: "version", LINES: "lines.array"}.items():
            if name in self.names:
                raise ValueError(f"names: {name} is set by `{setting}`")
        if len(set(self.names.values())) < len(self.names):
            raise ValueError("names: two properties are given the same name")
        return self


class Profile(Section):
    """How a company's own ERP is spoken to; the defaults are the published contract.

    Attributes:
        base_path: put between CUSTOMERP_URL and every path.
        headers: sent with every request; never a secret.
        query: sent with every request; never a secret.
        spelling: how the ERP spells the contract's property names that no `names` lists.
        key, modified, version: where a record holds them; without `version` the ETag of single records is used.
        prefer_representation: writes ask for the record in the answer (`Prefer: return=representation`, RFC 7240).
        answer: what an answer to a write holds: the `record`, only its `key`, or nothing (`none`).
        reread: a record that an answer does not hold is read after the write.
    """

    base_path: str = Field(default="", pattern=r"^(/.*[^/])?$")
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    authentication: Authentication = Bearer()
    check: Check = Check()
    paging: Paging = Cursor()
    changes: Changes = ChangeToken()
    envelope: Envelope = Envelope()
    spelling: Literal["contract", "camel_case", "snake_case"] = "contract"
    key: str = KEY
    modified: str | None = MODIFIED
    version: str | None = VERSION
    formats: Formats = Formats()
    statuses: Statuses = Statuses()
    problem: Problem = Problem()
    create: Create = Create()
    update: Update = Update()
    delete: Delete = Delete()
    conditional: Conditional = Conditional()
    prefer_representation: bool = False
    answer: Literal["record", "key", "none"] = "record"
    reread: bool = False
    lines: Lines = Lines()
    deletions: Deletions | None = Deletions()
    entities: dict[EntityName, EntityProfile] = Field(default_factory=dict)
    _source: str = PrivateAttr(default="the published contract's profile")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if isinstance(self.paging, Cursor | NextUrl) and self.envelope.next is None:
            raise ValueError(
                f"paging style {self.paging.style} needs `envelope.next`: where a list names its next page"
            )
        for name, own in self.entities.items():
            if name in LINE_ENTITIES and own.model_fields_set - {"names", "types", "limits"}:
                raise ValueError(
                    f"entities.{name}: lines have `names`, `types` and `limits` only; the rest is under `lines`"
                )
        for place, changes, envelope, modified in self._readings():
            if isinstance(changes, ChangeToken) and envelope.token is None:
                raise ValueError(f"{place}: changes style change_token needs `envelope.token`: where a list gives it")
            if isinstance(changes, ModifiedSince):
                if modified is None:
                    raise ValueError(
                        f"{place}: changes style modified_since needs `modified`, a record's time of change"
                    )
                if self.formats.time_zone != "UTC" and changes.overlap_seconds < _CLOCK_CHANGE:
                    raise ValueError(
                        f"{place}: local times go back an hour in autumn; with formats.time_zone "
                        f"{self.formats.time_zone} write `overlap_seconds: {_CLOCK_CHANGE}` or more"
                    )
        return self

    def _readings(self) -> list[tuple[str, Changes, Envelope, str | None]]:
        found = [
            (f"entities.{name}", own.changes or self.changes, overlay(self.envelope, own.envelope), own.modified)
            for name, own in self.entities.items()
            if name not in LINE_ENTITIES
        ]
        readings = [(name, changes, envelope, own or self.modified) for name, changes, envelope, own in found]
        readings.append(("changes", self.changes, self.envelope, self.modified))
        if self.deletions is not None:
            readings.append(("deletions", self.changes, self.envelope, self.deletions.at))
        return readings

    def deletes(self, entity: str) -> bool:
        """Whether records of an entity, as `customerp.customer`, can be removed."""
        own = next((each.delete for name, each in self.entities.items() if f"customerp.{name}" == entity), None)
        return overlay(self.delete, own).allowed

    @property
    def source(self) -> str:
        """The file that the profile came from, for errors."""
        return self._source

    def named(self, source: str) -> Self:
        """The same profile, saying in errors that it came from `source`."""
        copy = self.model_copy()
        copy._source = source
        return copy
