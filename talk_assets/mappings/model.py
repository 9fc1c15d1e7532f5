"""The model of a mapping file: one subject, its members, flows, and one row per canonical property.

Reading the files, with errors that name file, line and field, is in `talk_assets.mappings.load`.
"""

from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from talk_assets.mappings.capabilities import Writable
from talk_assets.mappings.filters import Filters
from talk_assets.mappings.safety import Deletions, Guards, WhenGone

PropertyType = Literal[
    "text",  # free text; may be shortened to what the target takes
    "code",  # an identifying text (item code, VAT number): never shortened
    "email",
    "country",  # two-letter code
    "currency",  # three-letter code
    "date",  # calendar day, ISO 8601
    "decimal",
    "integer",
    "boolean",
    "reference",  # points to a record of another subject
    "choice",  # one of the canonical codes of a value map
    "list",  # several texts in one property, one a line; their order means nothing
]
Direction = Literal[
    "both",  # every member's edits count, every member is written
    "to_exact",  # Customerp's edits count, Exact is written
    "to_customerp",  # Exact's edits count, Customerp is written
    "create_in_exact",  # Customerp's value is sent when the Exact record is created, never afterwards
    "match",  # used by criteria only, never written
]
Comparison = Literal[
    "exact",  # trimmed text
    "ignore_case",  # trimmed, case folded
    "compact",  # case folded, white space removed (postcodes)
    "alphanumeric",  # case folded, only letters and digits (registration and VAT numbers)
    "digits",  # only digits (telephone numbers)
]
Rule = Literal["latest", "owner", "prefer", "manual", "union"]
Spelling = Literal["upper", "lower"]
Rounding = Literal["down", "up", "half_up"]
Duplicates = Literal["hold", "keep_in_sync"]


class Strict(BaseModel):
    """Refuses keys it does not know, so that a misspelt option is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MemberProperty(Strict):
    """How one entity holds a canonical property.

    Attributes:
        name: the system's own property name.
        factor: canonical value = stored value times this factor (Exact's discount fraction 0.055 is 5.5 percent: 100).
        values: stored code to canonical code; a code that is not listed is held, never passed on.
        write: overrides what the direction gives: when the property may be written in this entity.
        claims: overrides what the direction gives: whether this entity's edits count.
        when: the row applies only to clusters that have a member of this entity.
        unless: the row applies only to clusters that have no member of this entity.
        default_setting: on create, when the golden value is empty, the value of this setting is sent.
        default: the same with a value, as canonical text; it is no value of the other members.
        only_digits: the property is left out when its value has other characters than digits.
        separator: what stands between the items of a list in this entity; by default a line break.
        spelling: in which letters the entity keeps a text.
        unless_taken: the property is left out of a create when another record of the entity already has its value.
        empty: canonical texts by which the entity says that there is no value.
        entity: of a reference: the entity its key belongs to; by default the first entity of the same system among
            the members of the subject that the property points to.
    """

    name: str
    factor: float | None = None
    values: dict[str, str] | None = None
    write: Writable | None = None
    claims: bool | None = None
    when: str | None = None
    unless: str | None = None
    default_setting: str | None = None
    default: str | None = None
    only_digits: bool = False
    separator: str | None = Field(default=None, min_length=1)
    spelling: Spelling | None = None
    unless_taken: bool = False
    empty: list[str] = []
    entity: str | None = None

    @property
    def mark(self) -> str:
        """What separates the items of a list: the separator without the blanks that only make it look better."""
        separator = (self.separator or "\n").replace("\r\n", "\n")
        return separator.strip(" ") or separator


class Property(Strict):
    """One canonical property of a subject: its type, its rule, and its name in each entity.

    Attributes:
        type: the canonical type; decides coercion and comparison.
        members: entity name to how that entity holds the property.
        direction: whose edits count and who is written.
        rule: how different changes are decided.
        order: entities or systems, first preferred; needed by `owner` and `prefer`.
        non_owner_edit: what becomes of an edit by somebody else than the owner: `revert` puts the owner's value back,
            `ignore` leaves it until the owner changes it, whatever the clocks say, and is listed as a conflict.
        clear: entities or systems whose clearing of the property travels; from elsewhere empty never wins.
        compare: which differences are differences.
        scale: decimals kept of a `decimal`.
        round: decimals are the same when they are the same rounded in this way to whole numbers; the finer one stays.
        to: subject a `reference` points to.
        unresolved: what becomes of a write whose reference points to what is not there yet: `wait` keeps it back,
            `omit` leaves the property out and owes it. By default it waits when the property is required.
        required: a create of a member that holds the property waits until it has a value.
        group: name of the group the property is decided with.
        meaning: one sentence for people, shown in Dagit and in the document.
    """

    type: PropertyType = "text"
    members: dict[str, MemberProperty]
    direction: Direction = "both"
    rule: Rule = "latest"
    order: list[str] = []
    non_owner_edit: Literal["revert", "ignore"] = "revert"
    clear: list[str] = []
    compare: Comparison = "exact"
    scale: int | None = Field(default=None, ge=0, le=6)
    round: Rounding | None = None
    to: str | None = None
    unresolved: Literal["wait", "omit"] | None = None
    required: bool = False
    group: str | None = None
    meaning: str = ""

    @model_validator(mode="after")
    def _options_fit_type(self) -> Self:
        if (self.type == "reference") != (self.to is not None):
            raise ValueError(
                "`to` names the subject a reference points to: give it with type reference, and only there"
            )
        if self.scale is not None and self.type != "decimal":
            raise ValueError("`scale` belongs to type decimal")
        if self.unresolved is not None and self.type != "reference":
            raise ValueError("`unresolved` belongs to type reference")
        if self.type not in ("text", "code") and any(member.spelling for member in self.members.values()):
            raise ValueError("`spelling` belongs to a member of a property of type text or code")
        if self.round is not None and (self.type != "decimal" or self.group is not None):
            raise ValueError("`round` belongs to a property of type decimal that is in no group")
        if self.non_owner_edit == "ignore" and self.rule != "owner":
            raise ValueError("`non_owner_edit` belongs to rule owner")
        if self.rule in ("owner", "prefer") and not self.order:
            raise ValueError(f"rule {self.rule} needs `order`: the entities or systems, first preferred")
        if self.rule == "union" and (self.type != "list" or self.group is not None):
            raise ValueError("rule union belongs to a property of type list that is in no group")
        return self

    def claims(self, entity: str) -> bool:
        """Whether edits made in this entity count."""
        own = self.members[entity].claims
        if own is not None:
            return own
        system = entity.partition(".")[0]
        return {
            "both": True,
            "to_exact": system == "customerp",
            "to_customerp": system == "exact",
            "create_in_exact": system == "customerp",
            "match": False,
        }[self.direction]

    def writes(self, entity: str) -> Writable:
        """When the property may be written in this entity, as far as the mapping says."""
        own = self.members[entity].write
        if own is not None:
            return own
        system = entity.partition(".")[0]
        exact: dict[str, Writable] = {"both": "always", "to_exact": "always", "create_in_exact": "create"}
        customerp: dict[str, Writable] = {"both": "always", "to_customerp": "always"}
        return (exact if system == "exact" else customerp).get(self.direction, "never")


class CriterionProperty(Strict):
    """A property within a merge criterion, optionally compared more loosely than when it is merged."""

    property: str
    compare: Comparison | None = None


class Join(Strict):
    """A record that names another record of the same subject belongs to that record's cluster.

    Attributes:
        entity: the entity whose records carry the name, for instance `customerp.order`.
        name: the system's own property that holds the other record's key, for instance `QuoteId`.
        to: the entity it points to, for instance `customerp.quote`; with `written` the flow's other entity.
        written: what we create in `entity` is given the key of the record it was made from, in a property that the
            system needs for nothing else. So a record of ours is known again, whatever became of it or of our ledger.
            The criteria of the flow apply all the same.
    """

    entity: str
    name: str
    to: str
    written: bool = False


class Creation(Strict):
    """Where a flow creates what is missing.

    Attributes:
        exact: in Exact.
        customerp: in Customerp.
        unless: an entity whose presence in the cluster forbids it.
        since: nothing is created from records that were last changed before this time.
    """

    exact: bool = True
    customerp: bool = False
    unless: str | None = None
    since: AwareDatetime | None = None


class Flow(Strict):
    """Matched pairs of one Customerp entity and one Exact entity.

    `criteria` is a list of alternatives (OR), each a list of properties that must all be equal and not empty (AND).
    `join` comes before the criteria: where it applies, the criteria of this flow do not. `when_gone` says what becomes
    of a record whose counterpart was deleted; by default nothing.
    """

    customerp: str
    exact: str
    criteria: list[list[CriterionProperty]] = []
    join: Join | None = None
    create: Creation = Creation()
    when_gone: WhenGone = WhenGone()
    meaning: str = ""

    @property
    def entities(self) -> tuple[str, str]:
        """The Customerp entity and the Exact entity."""
        return self.customerp, self.exact


class Subject(Strict):
    """A mapping file: what records of several entities are about.

    Attributes:
        subject: organisation, person, product, sales_document or sales_line.
        flows: flow name to flow; the entities of a subject are those of its flows.
        properties: canonical property name to row.
        constants: entity to the values (the system's own names) that are added when a record is created there.
        criteria: what makes records of any two of the subject's entities the same, of one system too; beside those of
            the flows.
        tie_break: entities or systems; of edits of the same time the first one named wins, and so of values without a
            time that differ at first sight. Without it a person decides about the latter.
        same_side_duplicates: what becomes of several records of one entity that the criteria call the same: `hold`
            leaves them for a person, `keep_in_sync` has them all in one cluster and keeps them equal.
        lines: the subject of the documents' lines, for sales_document.
        deletions: entity to how it is told that its records are gone.
        guards: entity to how much of it may change in one run.
        filters: entity to which of its records take part, and for which clusters it is written.
        left_out: the pairs of entities of the flows that an installation leaves out. It is said by no file: nothing is
            read or written for them, but records that they have linked still belong together.
    """

    subject: str
    meaning: str = ""
    flows: dict[str, Flow]
    properties: dict[str, Property]
    constants: dict[str, dict[str, str]] = {}
    criteria: list[list[CriterionProperty]] = []
    tie_break: list[str] = []
    same_side_duplicates: Duplicates = "hold"
    lines: "Subject | None" = None
    deletions: dict[str, Deletions] = {}
    guards: dict[str, Guards] = {}
    filters: dict[str, Filters] = {}
    left_out: list[tuple[str, str]] = Field(default=[], exclude=True)

    @property
    def entities(self) -> list[str]:
        """The subject's entities, Customerp's first, in the order of the flows."""
        ordered = [flow.customerp for flow in self.flows.values()] + [flow.exact for flow in self.flows.values()]
        return list(dict.fromkeys(ordered))

    @property
    def proposers(self) -> list[str]:
        """The names under which records are proposed to be the same: the flows, and the subject with its criteria."""
        return [*self.flows, *([self.subject] if self.criteria else [])]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The entities that its flows pair, also those that are left out."""
        return [*(flow.entities for flow in self.flows.values()), *self.left_out]

    @property
    def keeps_twins(self) -> bool:
        """Whether a cluster may have several records of one entity."""
        return self.same_side_duplicates == "keep_in_sync"

    def deletions_of(self, entity: str) -> Deletions:
        """How it is told that records of an entity are gone."""
        return self.deletions.get(entity, Deletions())

    def guards_of(self, entity: str) -> Guards:
        """How much of an entity may change in one run."""
        return self.guards.get(entity, Guards())

    def filters_of(self, entity: str) -> Filters:
        """Which records of an entity take part."""
        return self.filters.get(entity, Filters())

    def held_by(self, entity: str) -> dict[str, Property]:
        """The canonical properties that an entity holds."""
        return {name: row for name, row in self.properties.items() if entity in row.members}


class Mappings(Strict):
    """All subjects in dependency order: what is referred to comes before what refers to it."""

    subjects: dict[str, Subject]

    @property
    def flows(self) -> dict[str, Flow]:
        """The flows that people look at, in order (those of lines are not among them)."""
        return {name: flow for subject in self.subjects.values() for name, flow in subject.flows.items()}

    @property
    def entities(self) -> list[str]:
        """All document and master-data entities, Customerp's first; lines are read inside their documents."""
        found = [entity for subject in self.subjects.values() for entity in subject.entities]
        return sorted(dict.fromkeys(found), key=lambda entity: entity.partition(".")[0] != "customerp")

    @property
    def with_lines(self) -> list[str]:
        """The same entities, and those of lines."""
        lines = [subject.lines for subject in self.subjects.values() if subject.lines is not None]
        return [*self.entities, *dict.fromkeys(entity for each in lines for entity in each.entities)]

    def subject_of(self, entity: str) -> Subject:
        """The subject (or line subject) that an entity belongs to; KeyError when no mapping names it."""
        for subject in self.subjects.values():
            for candidate in (subject, subject.lines):
                if candidate is not None and entity in candidate.entities:
                    return candidate
        raise KeyError(entity)

    def target_of(self, entity: str, name: str) -> str:
        """The entity whose keys the reference property `name` of `entity` holds."""
        row = self.subject_of(entity).properties[name]
        if row.to is None:
            raise KeyError(f"{name} is not a reference")
        own = row.members[entity].entity
        system = entity.partition(".")[0]
        return own or next(e for e in self.subjects[row.to].entities if e.partition(".")[0] == system)

    def wanted(self, entity: str) -> list[str]:
        """The system's own property names that have to be read of an entity, sorted."""
        subject = self.subject_of(entity)
        names = {row.members[entity].name for row in subject.held_by(entity).values()}
        names |= {flow.join.name for flow in subject.flows.values() if flow.join and flow.join.entity == entity}
        mark = subject.deletions_of(entity).mark
        names |= {mark.name} if mark is not None else set()
        names |= {condition.name for condition in subject.filters_of(entity).read}
        return sorted(names)
