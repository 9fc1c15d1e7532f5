"""What a previewed run found out about two systems that are to be kept equal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.mappings.model import Flow, Mappings
from talk_assets.onboarding import queries
from talk_assets.why.find import label

# Records that are listed by name; of more, the number is told.
LISTED = 200


@dataclass(frozen=True)
class Side:
    """One entity of a flow.

    Attributes:
        entity: the entity.
        records: how many there are.
        matched: that have a counterpart by this flow.
        elsewhere: that have one by another flow only.
        unmatched: that have none.
        ambiguous: of those, held because it cannot be told which belong together.
        without_key: of those, without a value in any merge criterion.
    """

    entity: str
    records: int
    matched: int
    elsewhere: int
    unmatched: int
    ambiguous: int
    without_key: int


@dataclass(frozen=True)
class FlowReport:
    """The pairs of a flow: how many by which criterion, and both sides."""

    flow: str
    criteria: Mapping[str, int]
    sides: Sequence[Side]


@dataclass(frozen=True)
class Named:
    """A record that somebody may have to look at, why, and what is held of it: property and value, where it is one."""

    record: str
    label: str
    reason: str
    property: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Difference:
    """Matched records that hold different values, and whose would win.

    Attributes:
        subject: what they are about.
        property: canonical name.
        winner: entity whose value wins; '' where a person has to decide.
        loser: entity whose value is overwritten; '' where a person has to decide.
        rule: the rule that decides.
        count: in how many cases.
        example: one of them: `winner`, `value`, `loser`, `loser_value`.
    """

    subject: str
    property: str
    winner: str
    loser: str
    rule: str
    count: int
    example: Mapping[str, str | None]


@dataclass(frozen=True)
class Planned:
    """What an entity would be sent.

    Attributes:
        entity: the entity.
        creates: records.
        updates: records.
        deletes: records.
        filled: values that are empty there now.
        replaced: values that are others there now.
        cleared: values that become empty.
        waiting: records that wait for others, or for a value.
        by_hand: records that only a person can enter.
    """

    entity: str
    creates: int
    updates: int
    deletes: int
    filled: int
    replaced: int
    cleared: int
    waiting: int
    by_hand: int


@dataclass(frozen=True)
class Report:
    """What the first sync would do.

    Attributes:
        division: the administration.
        flows: per flow what is matched and what is not.
        ambiguous: records that match several others, the first ones.
        without_key: records that cannot be matched because no criterion has a value, the first ones.
        held: records that are held for another reason, the first ones.
        totals: how many there are of those three.
        differences: per property who would win.
        planned: per entity what would be sent.
    """

    division: str
    flows: Sequence[FlowReport]
    ambiguous: Sequence[Named]
    without_key: Sequence[Named]
    held: Sequence[Named]
    totals: Mapping[str, int]
    differences: Sequence[Difference]
    planned: Sequence[Planned]

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)


def report_of(cycle: Cycle) -> Report:
    """What a previewed run came to, after its last step."""
    mappings, division = cycle.mappings, cycle.division
    with cycle.ledger.begin() as connection:
        held = queries.held(connection, division)
        unclear = [row for row in held if row["kind"] in queries.AMBIGUOUS_KINDS]
        others = [row for row in held if row["kind"] not in queries.AMBIGUOUS_KINDS]
        keyless = {
            (str(row["entity"]), str(row["key"])): (row, name)
            for name, flow in mappings.flows.items()
            if flow.criteria
            for entity in flow.entities
            for row in queries.without_key(connection, division, name, flow, entity)
        }
        return Report(
            division=division,
            flows=[_flow(connection, division, name, flow) for name, flow in mappings.flows.items()],
            ambiguous=[_named(mappings, row, str(row["reason"])) for row in unclear[:LISTED]],
            without_key=[
                _named(mappings, row, _needs(mappings.flows[name])) for row, name in [*keyless.values()][:LISTED]
            ],
            held=[_named(mappings, row, str(row["reason"])) for row in others[:LISTED]],
            totals={"ambiguous": len(unclear), "without_key": len(keyless), "held": len(others)},
            differences=[
                *(Difference(**row) for row in queries.differences(connection, division, cycle.run_id)),
                *(Difference(**row) for row in queries.undecided(connection, division)),
            ],
            planned=[Planned(**row) for row in queries.planned(connection, division)],
        )


def _flow(connection: sa.Connection, division: str, name: str, flow: Flow) -> FlowReport:
    counted = queries.criteria(connection, division, flow)
    # Also those by which nothing was found.
    labels = [" and ".join(part.property for part in alternative) for alternative in flow.criteria]
    labels += [f"{flow.join.name} names it"] if flow.join is not None else []
    return FlowReport(
        flow=name,
        criteria={**dict.fromkeys(labels, 0), **counted},
        sides=[Side(**queries.side(connection, division, name, flow, entity)) for entity in flow.entities],
    )


def _named(mappings: Mappings, row: Mapping[str, Any], reason: str) -> Named:
    subject = mappings.subject_of(str(row["entity"]))
    name = f"{row['entity']}/{row['key']}"
    return Named(name, label(subject, row["values"] or {}), reason, row.get("property"), row.get("value"))


def _needs(flow: Flow) -> str:
    """What a record would need to be matched."""
    alternatives = [" and ".join(part.property for part in alternative) for alternative in flow.criteria]
    return f"it has no value for {', nor for '.join(alternatives)}"
