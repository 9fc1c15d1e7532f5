"""What happens in a flow, topic by topic, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.filters import Condition
from talk_assets.mappings.model import Flow, Property, Subject
from talk_assets.mappings.words import criteria_in_words

_GONE = {
    "ignore": "the {other} stays as it is, and the {gone} is not put back",
    "delete": "the {other} is deleted, unless it belongs to another record too",
    "restore": "the {gone} is created again",
}
_EDITED = {
    "conflict": "nothing is deleted, and a person decides",
    "edit": "the edit wins, and the deleted record is created again",
    "delete": "the deletion wins",
}


@dataclass(frozen=True)
class Sentences:
    """What happens, per topic one sentence or more."""

    matching: Sequence[str]
    creation: Sequence[str]
    edits: Sequence[str]
    conflicts: Sequence[str]
    clearing: Sequence[str]
    deletion: Sequence[str]
    guards: Sequence[str]

    @property
    def topics(self) -> dict[str, Sequence[str]]:
        """Title to sentences, of the topics about which something is said."""
        named = {
            "Matched": self.matching,
            "Created": self.creation,
            "Edited": self.edits,
            "In conflict": self.conflicts,
            "Emptied": self.clearing,
            "Deleted": self.deletion,
            "Guarded": self.guards,
        }
        return {title: told for title, told in named.items() if told}


def sentences_of(subject: Subject, flow: Flow, capabilities: Capabilities) -> Sentences:
    """What happens to the records of a flow.

    Args:
        subject: that the flow belongs to.
        flow: the flow.
        capabilities: what the entities can take.
    """
    shared = {name: row for name, row in subject.properties.items() if set(flow.entities) <= set(row.members)}
    return Sentences(
        matching=_matching(subject, flow, capabilities),
        creation=_creation(subject, flow, capabilities),
        edits=_edits(shared),
        conflicts=_conflicts(subject, shared),
        clearing=_clearing(shared),
        deletion=_deletion(subject, flow, capabilities),
        guards=_guards(subject, flow),
    )


def _matching(subject: Subject, flow: Flow, capabilities: Capabilities) -> list[str]:
    told = []
    if flow.join is not None:
        named = f"{_a(flow.join.entity)} names its {_noun(flow.join.to)} in `{flow.join.name}`"
        given = "; we write it there when we create one" if flow.join.written else ", and belongs to it"
        told.append(f"{named}{given}.")
    criteria = criteria_in_words([*flow.criteria, *subject.criteria])
    if criteria:
        told.append(f"Two records are the same when {criteria}. An empty value is equal to nothing.")
    documents = {capabilities[entity].document for entity in flow.entities}
    if None not in documents and not flow.criteria:
        told.append(
            "Lines of documents that are the same are the same when they are about the same product, the first with "
            "the first, as long as both documents have as many of it."
        )
    if subject.keeps_twins:
        told.append("Several records of one system that are the same are all kept equal.")
    else:
        told.append("Where it cannot be told which records belong together, all of them wait for a person.")
    for entity in flow.entities:
        conditions = subject.filters_of(entity).read
        if conditions:
            told.append(f"Of {entity} only records take part with {_conditions(conditions)}.")
    return told


def _creation(subject: Subject, flow: Flow, capabilities: Capabilities) -> list[str]:
    told = []
    for source, target, wanted in (
        (flow.customerp, flow.exact, flow.create.exact),
        (flow.exact, flow.customerp, flow.create.customerp),
    ):
        reason = capabilities[target].read_only
        if not wanted:
            told.append(f"{_a(source)} without {_a(target).lower()} has none created.")
            continue
        if reason is not None:
            told.append(f"{_a(source)} without {_a(target).lower()} waits for a person to enter one: {reason}")
            continue
        limits = ["once it has lines"] if capabilities[target].requires_lines else []
        if flow.create.unless is not None:
            limits.append(f"unless there is {_a(flow.create.unless).lower()}")
        if flow.create.since is not None:
            limits.append(f"if it was changed since {flow.create.since:%Y-%m-%d}")
        conditions = subject.filters_of(target).write
        if conditions:
            limits.append(f"if it has {_conditions(conditions)}")
        added = ", ".join(f"`{name}` = {value}" for name, value in subject.constants.get(target, {}).items())
        beside = f" It is given {added} besides." if added else ""
        words = (
            f"{_a(source)} without {_a(target).lower()} has one created{', ' if limits else ''}{' and '.join(limits)}"
        )
        told.append(f"{words}.{beside}")
    return told


def _edits(shared: dict[str, Property]) -> list[str]:
    told = [
        "An edit on one side is written to the other, as the table says; edits of different properties both travel."
    ]
    groups: dict[str, list[str]] = {}
    for name, row in shared.items():
        if row.group is not None:
            groups.setdefault(row.group, []).append(name)
    told += [f"{_listed(names)} are decided together ({group})." for group, names in groups.items() if len(names) > 1]
    return told


def _conflicts(subject: Subject, shared: dict[str, Property]) -> list[str]:
    told = []
    rules: dict[str, list[str]] = {}
    for name, row in shared.items():
        if row.direction == "both":
            order = f" {', '.join(row.order)}" if row.order else ""
            rules.setdefault(f"{row.rule}{order}", []).append(name)
    for rule, names in rules.items():
        kind, _, order = rule.partition(" ")
        which = "Otherwise" if kind == "latest" and len(rules) > 1 else "When both sides changed the same property"
        words = {
            "latest": f"{which} the later edit wins, and the other value is kept in history",
            "manual": f"Of {_listed(names)} a person decides when both sides changed",
            "owner": f"Of {_listed(names)} the owner wins ({order})",
            "prefer": f"Of {_listed(names)} the first of these wins that changed: {order}",
            "union": f"Of {_listed(names)} what any side added stays, and what any side removed goes",
        }[kind]
        told.append(f"{words}.")
    tie = f"the first of {', '.join(subject.tie_break)} wins" if subject.tie_break else "a person decides"
    told.append(f"When records first meet with different values and none has a time, {tie}.")
    return told


def _clearing(shared: dict[str, Property]) -> list[str]:
    where: dict[str, list[str]] = {}
    for name, row in shared.items():
        if row.clear:
            where.setdefault(", ".join(row.clear), []).append(name)
    told = ["Emptying a property goes nowhere: the other side's value is put back."] if not where else []
    told += [
        f"Emptying {_listed(names)} in {systems} empties it on the other side." for systems, names in where.items()
    ]
    if where:
        told.append("Emptying anything else goes nowhere: the other side's value is put back.")
    return told


def _deletion(subject: Subject, flow: Flow, capabilities: Capabilities) -> list[str]:
    told, deletes = [], False
    for gone, other in (flow.entities, flow.entities[::-1]):
        policy = flow.when_gone.policy(gone)
        reason = capabilities[other].no_delete
        archive = subject.deletions_of(other).archive
        if policy == "archive" and archive is not None:
            what = f"`{archive.name}` of the {_noun(other)} is set to {archive.value}"
        else:
            what = _GONE[policy].format(other=_noun(other), gone=_noun(gone))
        deletes |= policy in ("delete", "archive")
        refused = f" {reason}" if policy == "delete" and reason is not None else ""
        told.append(f"When {_a(gone).lower()} is deleted, {what}.{refused}")
        mark = subject.deletions_of(gone).mark
        if mark is not None:
            values = "any value" if mark.equals is None else " or ".join(mark.equals)
            told.append(f"{_a(gone)} counts as deleted when `{mark.name}` is {values}.")
    if deletes:
        told.append(f"Where the other one was edited meanwhile, {_EDITED[flow.when_gone.edited]}.")
    return told


def _guards(subject: Subject, flow: Flow) -> list[str]:
    told = []
    for entity in flow.entities:
        guards = subject.guards_of(entity)
        told.append(
            f"{entity}: more than {guards.max_writes_per_run:,} writes in a run (that are more than "
            f"{guards.max_writes_share:.0%} of its records), {guards.max_deletes_per_run:,} deletions, or "
            f"{guards.max_missing:,} missing records (that are more than {guards.max_missing_share:.0%}) wait for a "
            "person."
        )
    return told


def _conditions(conditions: Sequence[Condition]) -> str:
    told = []
    for each in conditions:
        if each.filled is not None:
            told.append(f"{'a' if each.filled else 'no'} `{each.name}`")
        elif each.equals is not None:
            told.append(f"`{each.name}` = {' or '.join(each.equals)}")
        else:
            told.append(f"`{each.name}` other than {' or '.join(each.differs or [])}")
    return " and ".join(told)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _noun(entity: str) -> str:
    return f"`{entity}`"


def _a(entity: str) -> str:
    return f"{'An' if entity.startswith(tuple('aeiou')) else 'A'} {_noun(entity)}"
