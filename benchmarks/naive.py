"""The same matching, deciding and planning as a person writes it first: dictionaries, one record at a time.

It knows what organisations need: criteria, comparison forms, the rule `latest`, the address that is decided as a whole,
empty that never wins. It knows nothing of other rules, of values that a system shortens, of references and of history.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from talk_assets.mappings.model import Property, Subject

Text = str | None
# Entity and key.
Name = tuple[str, str]


@dataclass
class Record:
    """A record of an entity: what it holds, when it changed, and what it held when it was accounted for."""

    entity: str
    key: str
    modified: int
    current: dict[str, Text]
    base: dict[str, Text] | None = None


@dataclass
class Cluster:
    """Records that are the same, and what they agreed on; '' where that was cleared."""

    members: dict[str, Record] = field(default_factory=dict)
    golden: dict[str, Text] = field(default_factory=dict)


def comparable(text: Text, row: Property, compare: str | None = None) -> Text:
    """The form in which equal means equal."""
    if not text:
        return None
    how = compare or row.compare
    if row.type in ("email", "country") and how == "exact":
        how = "ignore_case"
    text = unicodedata.normalize("NFC", text)
    if how != "exact":
        text = text.lower()
    if how == "compact":
        text = re.sub(r"\s+", "", text)
    elif how == "alphanumeric":
        text = re.sub(r"[\W_]+", "", text)
    elif row.type == "text":
        text = re.sub(r"[^\S\n]+", " ", text).strip()
    return text or None


def same(one: Text, other: Text, row: Property) -> bool:
    """Whether two values are the same."""
    return comparable(one, row) == comparable(other, row)


def match(subject: Subject, fresh: list[Record], known: list[Record], linked: dict[Name, Cluster]) -> list[Cluster]:
    """Find a cluster for every fresh record; clusters with two records of an entity are left out."""
    clusters = dict(linked)
    for flow in subject.flows.values():
        for alternative in flow.criteria:
            found: dict[tuple[str, ...], list[Record]] = {}
            for record in [*fresh, *known]:
                parts = [
                    comparable(record.current[p.property], subject.properties[p.property], p.compare)
                    for p in alternative
                ]
                whole = tuple(part for part in parts if part is not None)
                if len(whole) == len(parts):
                    found.setdefault(whole, []).append(record)
            for first, *others in found.values():
                for other in others:
                    _join(clusters, first, other)
    for record in fresh:
        clusters.setdefault((record.entity, record.key), Cluster({record.entity: record}))
    return list({id(cluster): cluster for cluster in clusters.values()}.values())


def _join(clusters: dict[Name, Cluster], one: Record, other: Record) -> None:
    mine = clusters.setdefault((one.entity, one.key), Cluster({one.entity: one}))
    theirs = clusters.setdefault((other.entity, other.key), Cluster({other.entity: other}))
    if mine is theirs or mine.members.keys() & theirs.members.keys():
        return
    mine.members.update(theirs.members)
    for record in theirs.members.values():
        clusters[record.entity, record.key] = mine


def decide(subject: Subject, clusters: list[Cluster]) -> None:
    """Give every cluster its agreed values."""
    groups: dict[str, list[str]] = {}
    for name, row in subject.properties.items():
        groups.setdefault(row.group or name, []).append(name)
    for cluster in clusters:
        for names in groups.values():
            _decide(subject, cluster, names)


def _decide(subject: Subject, cluster: Cluster, names: list[str]) -> None:
    rows, golden = subject.properties, cluster.golden

    def forms(values: dict[str, Text] | None) -> list[Text]:
        return [comparable((values or {}).get(name), rows[name]) for name in names]

    agreed, claims = forms(golden), []
    for entity in subject.entities:
        record = cluster.members.get(entity)
        if record is None or not all(rows[name].claims(entity) for name in names):
            continue
        mine = forms(record.current)
        if any(mine) and mine != agreed and (record.base is None or mine != forms(record.base)):
            claims.append(record)
    if not claims:
        return
    # Of equal times the first entity of the mapping.
    winner = max(claims, key=lambda record: record.modified)
    whole = {name: winner.current[name] for name in names}
    offers = [dict(golden), *(record.current for record in claims if record is not winner)]
    taken = dict(whole)
    for values in offers:
        theirs = forms(values)
        fits = all(a is None or b is None or a == b for a, b in zip(forms(whole), theirs, strict=True))
        for name in names:
            emptied = winner.base is not None and bool(winner.base[name])
            if not taken[name] and values.get(name):
                # A second line does not stay beside a new street.
                clear = rows[name].clear and (emptied or not fits)
                taken[name] = "" if clear else values[name]
    golden.update(taken)


def plan(subject: Subject, clusters: list[Cluster]) -> dict[Name, dict[str, str]]:
    """What is owed: by the record's name, or for a missing one by that of the record it is made from."""
    owed: dict[Name, dict[str, str]] = {}
    for cluster in clusters:
        for entity in subject.entities:
            record = cluster.members.get(entity)
            values: dict[str, str] = {}
            for name, row in subject.held_by(entity).items():
                value, member = cluster.golden.get(name), row.members[entity]
                if value is None or (member.only_digits and not value.isdecimal()) or (record is None and not value):
                    continue
                when = row.writes(entity)
                if record is None:
                    wanted = when != "never"
                else:
                    wanted = when == "always" and not same(value, record.current[name], row)
                if wanted:
                    values[name] = value
            if record is not None and values:
                owed[entity, record.key] = values
            elif record is None and entity.startswith("exact."):
                (source,) = cluster.members.values()
                owed[entity, f"for {source.key}"] = values
    return owed
