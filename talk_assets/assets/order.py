"""What comes before what."""

from talk_assets.mappings.model import Mappings, Subject

# Of the steps that could be next Dagster takes the one of highest priority: all feeds are read, then what is decided of
# one subject is written before the next one is looked at, and what only tells comes last.
READ_FIRST = {"dagster/priority": "2"}
WRITTEN_NEXT = {"dagster/priority": "1"}
TOLD_LAST = {"dagster/priority": "-1"}


def referred_to(subject: Subject, mappings: Mappings) -> list[str]:
    """Subjects that records of this one, or their lines, point to: decided and written before it."""
    parts = [subject] if subject.lines is None else [subject, subject.lines]
    named = {row.to for part in parts for row in part.properties.values() if row.to is not None}
    return [name for name in mappings.subjects if name in named and name != subject.subject]


def sink_order(mappings: Mappings) -> list[str]:
    """The written entities in the order of delivery: Exact first, and what is referred to before what refers to it.

    Exact comes first because it fills in values of its own, which Customerp gets in the same run.
    """
    ordered = [entity for subject in mappings.subjects.values() for entity in subject.entities]
    return sorted(dict.fromkeys(ordered), key=lambda entity: entity.partition(".")[0] != "exact")
