"""Which record and which property somebody means; who is mistaken is told what there is."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from talk_assets.errors import ConfigurationError
from talk_assets.ledger.tables import member, record
from talk_assets.mappings.model import Mappings, Subject

_SUGGESTED = 3
# So many keys are compared with one that is not there.
_COMPARED = 5000


@dataclass(frozen=True)
class Found:
    """A record that the ledger knows.

    Attributes:
        entity: its entity.
        key: its own key.
        subject: its subject, or line subject.
        cluster: number of the cluster that it is linked in, also when the record is deleted; None when in none.
    """

    entity: str
    key: str
    subject: Subject
    cluster: int | None

    @property
    def name(self) -> str:
        """The record as people write it."""
        return f"{self.entity}/{self.key}"


def find_record(connection: sa.Connection, division: str, mappings: Mappings, text: str) -> Found:
    """The record that somebody calls `entity/key`; the entity may be named without its system where that is clear.

    Raises:
        ConfigurationError: there is no such entity or record; the sentence names what may be meant.
    """
    named, slash, key = text.strip().partition("/")
    if not slash or not key:
        raise ConfigurationError(f"{text}: no record is named so; write entity/key, as customerp.customer/123.")
    entity = _entity(mappings, named, text)
    known = _key(connection, division, entity, key)
    if known is None:
        raise ConfigurationError(
            f"{entity}/{key}: no such record is known.{_perhaps(connection, division, entity, key)}"
        )
    cluster = connection.execute(
        sa.select(member.c.cluster_id).where(
            member.c.division == division, member.c.entity == entity, member.c.key == known
        )
    ).scalar_one_or_none()
    return Found(entity, known, mappings.subject_of(entity), cluster)


def find_properties(subject: Subject, entity: str, text: str) -> list[str]:
    """Canonical names of the properties that somebody means, by canonical or by own name, in any spelling.

    Own names of the record's entity come first, then those of the other entities. One own name can stand for several
    properties, of which each record has one.

    Raises:
        ConfigurationError: there is no such property; the sentence names what may be meant.
    """
    wanted = text.strip().lower()
    canonical = [name for name in subject.properties if name.lower() == wanted]
    others = [other for other in subject.entities if other != entity]
    for names in (canonical, _by_own_name(subject, [entity], wanted), _by_own_name(subject, others, wanted)):
        if names:
            return names
    own = {row.members[entity].name for row in subject.held_by(entity).values()}
    close = _close(wanted, [*own, *subject.properties])
    raise ConfigurationError(
        f"{text}: {subject.subject} has no property of that name."
        + (f" Did you mean {_listed(close)}?" if close else f" It has {', '.join(subject.properties)}.")
    )


def label(subject: Subject, values: Mapping[str, str]) -> str:
    """What people call a record: its name, or its number, or what describes it; '' when it has none of these."""
    names = [name for name in subject.properties if name == "name" or name.endswith("_name")]
    for wanted in (names, [n for n in subject.properties if n.endswith("number")], ["reference"], ["description"]):
        found = " ".join(values[name] for name in wanted if values.get(name))
        if found:
            return found
    return ""


def _entity(mappings: Mappings, named: str, text: str) -> str:
    entities = [entity for subject in _subjects(mappings) for entity in subject.entities]
    wanted = named.lower()
    found = [entity for entity in entities if wanted in (entity, entity.partition(".")[2])]
    if len(found) == 1:
        return found[0]
    tails = {entity.partition(".")[2]: entity for entity in entities}
    close = found or [tails[tail] for tail in _close(wanted.rpartition(".")[2], tails)]
    meant = f"did you mean {_listed(close)}?" if close else f"it is one of {', '.join(entities)}."
    raise ConfigurationError(f"{text}: there is no entity {named}; {meant}")


def _subjects(mappings: Mappings) -> list[Subject]:
    return [s for subject in mappings.subjects.values() for s in (subject, subject.lines) if s is not None]


def _key(connection: sa.Connection, division: str, entity: str, key: str) -> str | None:
    """The key as the ledger has it; Exact's may be written in capitals or in braces."""
    for wanted in dict.fromkeys((key, key.strip("{}").lower())):
        for table in (member, record):
            at = (table.c.division == division, table.c.entity == entity, table.c.key == wanted)
            if connection.execute(sa.select(sa.exists().where(*at))).scalar_one():
                return wanted
    return None


def _perhaps(connection: sa.Connection, division: str, entity: str, key: str) -> str:
    """Which records may be meant instead: those that hold the text, or whose key is like it."""
    of_entity = (record.c.division == division, record.c.entity == entity)
    holds = connection.execute(
        sa.text(
            "select r.key from talk.record r where r.division = :division and r.entity = :entity "
            "and exists (select from jsonb_each_text(r.values) v where lower(v.value) = lower(:text)) "
            "order by r.key limit :most"
        ),
        {"division": division, "entity": entity, "text": key, "most": _SUGGESTED},
    ).scalars()
    found = [f"{entity}/{other} (which holds '{key}')" for other in holds]
    if not found:
        like = connection.execute(
            sa.select(record.c.key).where(*of_entity, record.c.key.icontains(key, autoescape=True)).limit(_SUGGESTED)
        )
        some = connection.execute(sa.select(record.c.key).where(*of_entity).order_by(record.c.key).limit(_COMPARED))
        found = [f"{entity}/{other}" for other in [*like.scalars()] or _close(key, list(some.scalars()))]
    if found:
        return f" Did you mean {_listed(found)}?"
    count = connection.execute(sa.select(sa.func.count()).select_from(record).where(*of_entity)).scalar_one()
    return f" {count:,} records of {entity} are known, and none is like it; what was never read is not known."


def _by_own_name(subject: Subject, entities: Iterable[str], wanted: str) -> list[str]:
    found = [
        name
        for entity in entities
        for name, row in subject.held_by(entity).items()
        if row.members[entity].name.lower() == wanted
    ]
    return list(dict.fromkeys(found))


def _close(wanted: str, names: Iterable[str]) -> list[str]:
    spelled = {name.lower(): name for name in names}
    return [spelled[name] for name in difflib.get_close_matches(wanted.lower(), spelled, _SUGGESTED, 0.5)]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
