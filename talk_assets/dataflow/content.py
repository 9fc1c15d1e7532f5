"""What the document says: subjects, their flows, and a row per property that a flow carries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talk_assets.dataflow.sentences import Sentences, sentences_of
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.model import Flow, Mappings, MemberProperty, Property, Subject
from talk_assets.sync.owed import written

# Titles of the columns of `Row`, in their order.
COLUMNS = (
    "Property",
    "Customerp",
    "Exact",
    "Type",
    "Length",
    "Direction",
    "Rule",
    "Value map",
    "Required",
    "Fixed after creation",
)
_SYSTEMS = {"customerp": "Customerp", "exact": "Exact"}
_RULES = {"latest": "latest edit", "manual": "a person", "union": "what any side added stays"}


@dataclass(frozen=True)
class Row:
    """What a flow does with one property; all but `name` and `meaning` as words for people, '' for nothing to say.

    Attributes:
        name: the shared name.
        meaning: one sentence.
        customerp: Customerp's own name.
        exact: Exact's own name.
        type: the canonical type.
        length: how many characters are kept, and where.
        direction: whose edits reach whom.
        rule: who wins.
        values: the codes of a value map, one text per code of a system.
        required: where a record cannot be created without a value.
        fixed: where the value cannot be changed after creation.
    """

    name: str
    meaning: str
    customerp: str
    exact: str
    type: str
    length: str
    direction: str
    rule: str
    values: Sequence[str]
    required: str
    fixed: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts under `COLUMNS`; of several codes each on a line of its own."""
        return (
            self.name,
            self.customerp,
            self.exact,
            self.type,
            self.length,
            self.direction,
            self.rule,
            "\n".join(self.values),
            self.required,
            self.fixed,
        )


@dataclass(frozen=True)
class FlowPart:
    """One flow, of documents or of their lines.

    Attributes:
        name: its name.
        meaning: one sentence.
        customerp: the entity of Customerp.
        exact: the entity of Exact.
        said: what happens, topic by topic.
        rows: its properties, in the order of the mapping.
    """

    name: str
    meaning: str
    customerp: str
    exact: str
    said: Sentences
    rows: Sequence[Row]


@dataclass(frozen=True)
class SubjectPart:
    """A subject with its flows, and those of its lines."""

    name: str
    meaning: str
    flows: Sequence[FlowPart]
    lines: Sequence[FlowPart]


def content_of(mappings: Mappings, capabilities: Capabilities) -> list[SubjectPart]:
    """Everything that the document says.

    Args:
        mappings: all subjects.
        capabilities: what the entities can take.
    """
    return [
        SubjectPart(
            name,
            subject.meaning,
            _flows(subject, capabilities),
            _flows(subject.lines, capabilities) if subject.lines is not None else [],
        )
        for name, subject in mappings.subjects.items()
    ]


def _flows(subject: Subject, capabilities: Capabilities) -> list[FlowPart]:
    return [
        FlowPart(
            name,
            flow.meaning,
            flow.customerp,
            flow.exact,
            sentences_of(subject, flow, capabilities),
            [
                _row(name, row, flow, capabilities)
                for name, row in subject.properties.items()
                if set(flow.entities) <= set(row.members)
            ],
        )
        for name, flow in subject.flows.items()
    ]


def _row(name: str, row: Property, flow: Flow, capabilities: Capabilities) -> Row:
    own = {entity: row.members[entity] for entity in flow.entities}
    return Row(
        name=name,
        meaning=row.meaning,
        customerp=own[flow.customerp].name,
        exact=own[flow.exact].name,
        type=_type(row),
        length=_each(flow, lambda entity: _longest(own[entity], capabilities[entity])),
        direction=_direction(row, flow, capabilities),
        rule=_rule(row),
        values=[text for entity in flow.entities for text in _codes(entity, own[entity])],
        required=_required(row, flow, capabilities),
        fixed=", ".join(
            _system(entity) for entity in flow.entities if written(row, entity, capabilities[entity]) == "create"
        ),
    )


def _type(row: Property) -> str:
    if row.to is not None:
        return f"reference to {row.to}"
    return row.type if row.scale is None else f"{row.type}, {row.scale} places"


def _each(flow: Flow, told: Callable[[str], str]) -> str:
    """What is told of both entities, once where it is the same."""
    found = {_system(entity): told(entity) for entity in flow.entities}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{system} {words}" for system, words in found.items() if words)


def _longest(member: MemberProperty, capability: EntityCapability) -> str:
    able = capability.properties.get(member.name)
    return "" if able is None or able.max_length is None else str(able.max_length)


def _direction(row: Property, flow: Flow, capabilities: Capabilities) -> str:
    if row.direction == "match":
        return "only compared"
    ways = {}
    for source, target in (flow.entities, flow.entities[::-1]):
        when = written(row, target, capabilities[target]) if row.claims(source) else "never"
        if when != "never":
            by = " by a person" if capabilities[target].read_only is not None else ""
            ways[_system(target)] = f"{' on create' if when == 'create' else ''}{by}"
    if not ways:
        told = "read only"
    elif len(ways) == len(flow.entities) and not any(ways.values()):
        told = "both ways"
    else:
        told = ", ".join(f"to {system}{how}" for system, how in ways.items())
    limits = list(dict.fromkeys(limit for entity in flow.entities for limit in _limits(entity, row.members[entity])))
    return "; ".join([told, *limits])


def _limits(entity: str, member: MemberProperty) -> list[str]:
    """When a property travels, and what is sent where it has no value."""
    system, told = _system(entity), []
    if member.when is not None:
        told.append(f"where there is a {member.when}")
    if member.unless is not None:
        told.append(f"where there is no {member.unless}")
    if member.only_digits:
        told.append(f"{system} takes digits only")
    if member.unless_taken:
        told.append(f"unless another record of {system} has it")
    if member.default_setting is not None:
        told.append(f"{system} gets {member.default_setting.upper()} where there is none")
    if member.default is not None:
        told.append(f"{system} gets '{member.default}' where there is none")
    return told


def _codes(entity: str, member: MemberProperty) -> list[str]:
    """How the entity's own values become the shared ones."""
    system = _system(entity)
    told = [f"{system} {code} = {shared}" for code, shared in (member.values or {}).items()]
    if member.factor is not None:
        told.append(f"{system} times {member.factor:g}")
    if member.empty:
        told.append(f"{system} {', '.join(member.empty)} = nothing")
    if member.spelling is not None:
        told.append(f"{system} in {member.spelling} case")
    return told


def _rule(row: Property) -> str:
    told = [_RULES.get(row.rule) or f"{row.rule}: {', '.join(row.order)}"]
    if row.group is not None:
        told.append(f"together with all of {row.group}")
    if row.compare != "exact":
        told.append(f"compared by {row.compare}")
    if row.clear:
        told.append(f"emptied from {', '.join(row.clear)}")
    return "; ".join(told)


def _required(row: Property, flow: Flow, capabilities: Capabilities) -> str:
    if row.required:
        return "yes"
    names = []
    for entity in flow.entities:
        own = row.members[entity].name
        able = capabilities[entity].properties.get(own)
        if able is not None and able.required:
            names.append(_system(entity))
            continue
        names += [
            f"{_system(entity)} (or {_others(own, group)})" for group in capabilities[entity].any_of if own in group
        ]
    return ", ".join(names)


def _others(name: str, group: Sequence[str]) -> str:
    return " or ".join(each for each in group if each != name)


def _system(entity: str) -> str:
    return _SYSTEMS[entity.partition(".")[0]]
