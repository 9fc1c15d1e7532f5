"""Small mappings and clusters as plain Python, and the frames that the engine takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from talk_assets.mappings.capabilities import Capabilities, EntityCapability, PropertyCapability
from talk_assets.mappings.model import Flow, Property, Subject
from talk_assets.sync.decide import Decision, decide
from talk_assets.sync.frames import TIME, Golden, Members
from talk_assets.sync.plan import Plan, plan

LEFT, RIGHT = "customerp.left", "exact.right"
EPOCH = pd.Timestamp("2024-01-01", tz="UTC")
NOW = 1_000_000
Text = str | None


@dataclass
class Member:
    """A record: what it holds, what it held when it was accounted for (`base`, with `times`), what was sent to it."""

    current: dict[str, Text]
    modified: int | None = 0
    base: dict[str, Text] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    sent: dict[str, Text] = field(default_factory=dict)
    key: str = "1"


@dataclass
class Agreed:
    """The agreed values of a cluster; a time without a value says that it was cleared."""

    values: dict[str, Text] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    winners: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)


@dataclass
class Cluster:
    """The members of a cluster by entity, and what they agreed on."""

    members: dict[str, Member]
    golden: Agreed = field(default_factory=Agreed)


def known(current: Mapping[str, Text], base: Mapping[str, Text] | None = None, at: int = 0, **more: Any) -> Member:
    """A member whose properties were all accounted for."""
    held = dict(current if base is None else base)
    return Member(dict(current), base=held, times=dict.fromkeys(current, 0), modified=at, **more)


def new(current: Mapping[str, Text], at: int = 0, **more: Any) -> Member:
    """A member seen for the first time."""
    return Member(dict(current), modified=at, **more)


def agreed(values: Mapping[str, Text], at: int = 0, winner: str = f"{LEFT}/1") -> Agreed:
    """Values that were agreed at some time."""
    return Agreed(
        dict(values), dict.fromkeys(values, at), dict.fromkeys(values, winner), dict.fromkeys(values, "latest")
    )


def mapping(
    properties: Mapping[str, Mapping[str, Any]], entities: Sequence[str] = (LEFT, RIGHT), **options: Any
) -> Subject:
    """A subject whose properties are held by all entities under their canonical names, unless they say `members`."""
    rows = {}
    for name, settings in properties.items():
        members = settings.get("members", {entity: {} for entity in entities})
        rows[name] = Property.model_validate(
            {**settings, "members": {entity: {"name": name, **member} for entity, member in members.items()}}
        )
    flows = {
        f"{one.partition('.')[2]}_{two.partition('.')[2]}": Flow(customerp=one, exact=two)
        for one in entities
        if one.startswith("customerp.")
        for two in entities
        if two.startswith("exact.")
    }
    return Subject(subject="thing", properties=rows, **{"flows": flows, **options})


def capable(subject: Subject, **entities: Mapping[str, Any]) -> Capabilities:
    """What entities can take: by default everything; per entity (`exact__right`) and property what is different."""
    found = {}
    for entity in subject.entities:
        special = dict(entities.get(entity.replace(".", "__"), {}))
        options = special.pop("_entity", {})
        own = {row.members[entity].name for row in subject.held_by(entity).values()} | set(special)
        found[entity] = EntityCapability(
            key="ID", properties={name: PropertyCapability(**special.get(name, {})) for name in sorted(own)}, **options
        )
    return found


def frames(subject: Subject, clusters: Mapping[int, Cluster]) -> tuple[dict[str, Members], Golden]:
    """The clusters as the engine takes them."""
    members = {}
    for entity in subject.entities:
        names = list(subject.held_by(entity))
        numbers = [number for number, cluster in clusters.items() if entity in cluster.members]
        found = [clusters[number].members[entity] for number in numbers]
        index = pd.Index(numbers, dtype="int64", name="cluster_id")
        members[entity] = Members(
            keys=pd.Series([each.key for each in found], index=index, dtype="str"),
            modified=times([each.modified for each in found], index),
            current=texts([each.current for each in found], names, index),
            base=texts([each.base for each in found], names, index),
            times=time_frame([each.times for each in found], names, index),
            sent=texts([each.sent for each in found], names, index),
        )
    numbers = [number for number, cluster in clusters.items() if cluster.golden.times]
    found_golden = [clusters[number].golden for number in numbers]
    index, names = pd.Index(numbers, dtype="int64", name="cluster_id"), list(subject.properties)
    golden = Golden(
        values=texts([each.values for each in found_golden], names, index),
        times=time_frame([each.times for each in found_golden], names, index),
        winners=texts([each.winners for each in found_golden], names, index),
        rules=texts([each.rules for each in found_golden], names, index),
    )
    return members, golden


def moment(at: float | None) -> pd.Timestamp:
    """A time so many seconds after the first."""
    return pd.NaT if at is None else EPOCH + pd.Timedelta(seconds=at)  # type: ignore[return-value]


def times(values: Iterable[float | None], index: pd.Index) -> pd.Series:
    """Seconds as a column of times."""
    return pd.Series([moment(at) for at in values], index=index, dtype=TIME)


def texts(rows: Sequence[Mapping[str, Text]], names: Sequence[str], index: pd.Index) -> pd.DataFrame:
    """Dictionaries as a frame of texts."""
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], index=index, dtype="str") for name in names}, index=index
    )


def time_frame(rows: Sequence[Mapping[str, float]], names: Sequence[str], index: pd.Index) -> pd.DataFrame:
    """Dictionaries as a frame of times."""
    return pd.DataFrame({name: times([row.get(name) for row in rows], index) for name in names}, index=index)


def pointing(references: Mapping[str, str] | None = None) -> pd.Series:
    """What references point to: `entity/key` to cluster number as text."""
    found = dict(references or {})
    return pd.Series(list(found.values()), index=pd.Index(list(found), dtype="str"), dtype="str")


def decided(
    subject: Subject,
    clusters: Mapping[int, Cluster] | Cluster,
    capabilities: Capabilities | None = None,
    references: Mapping[str, str] | None = None,
) -> Decision:
    """Decide clusters given as plain Python; a single one has number 1."""
    numbered = {1: clusters} if isinstance(clusters, Cluster) else clusters
    members, golden = frames(subject, numbered)
    return decide(
        subject,
        members,
        golden,
        capabilities=capabilities or capable(subject),
        clusters_of=pointing(references),
        now=moment(NOW),
    )


def planned(
    subject: Subject,
    decision: Decision,
    capabilities: Capabilities | None = None,
    references: Mapping[str, str] | None = None,
    *,
    gone: Sequence[tuple[int, str]] = (),
    held: Sequence[int] = (),
    defaults: Mapping[str, str] | None = None,
    documents: Mapping[str, pd.Series] | None = None,
) -> Plan:
    """Plan what a decision owes."""
    return plan(
        subject,
        decision.accounted,
        decision.golden,
        capabilities=capabilities or capable(subject),
        clusters_of=pointing(references),
        gone=pd.DataFrame(list(gone), columns=["cluster_id", "entity"]),
        held=pd.Index(list(held), dtype="int64"),
        open_conflicts=decision.conflicts,
        defaults=defaults or {},
        documents=documents,
    )


def values_of(frame: pd.DataFrame, number: int) -> dict[str, str]:
    """What a frame holds of a cluster, without what is empty."""
    if number not in frame.index:
        return {}
    return {str(name): str(value) for name, value in frame.loc[number].items() if isinstance(value, str)}


def owed_to(plan: Plan, entity: str, number: int = 1) -> dict[str, str]:
    """What is owed to the member of an entity."""
    return values_of(plan.owed[entity].values, number) if entity in plan.owed else {}


def rows_of(frame: pd.DataFrame, *columns: str) -> list[tuple[str | None, ...]]:
    """Some columns of a frame as sorted rows, missing values as None."""
    rows = [
        tuple(None if pd.isna(value) else str(value) for value in row)
        for row in frame[list(columns)].itertuples(index=False)
    ]
    return sorted(rows, key=str)
