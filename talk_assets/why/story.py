"""The answer: per property which value stands, over what, by which rule, and everything that led there."""

from collections.abc import Sequence

from talk_assets.mappings.model import Property, Subject
from talk_assets.why import words
from talk_assets.why.answer import (
    AGREED,
    CLEARED,
    CONFLICT,
    EMPTY,
    HELD,
    OWED,
    UNLINKED,
    Answer,
    Event,
    Holding,
    PropertyAnswer,
)
from talk_assets.why.events import events_of, told
from talk_assets.why.facts import Facts, Row
from talk_assets.why.find import label


def tell(facts: Facts, properties: Sequence[str] | None = None) -> Answer:
    """Say why the record's values are what they are.

    Args:
        facts: what the ledger has.
        properties: canonical names; None for all that the records hold.
    """
    subject = facts.found.subject
    asked = next((row for row in facts.members if _name(row) == facts.found.name), None)
    applying = [name for name in properties or subject.properties if _applying(facts, subject.properties[name])]
    return Answer(
        record=facts.found.name,
        label=label(subject, asked["values"] if asked else {}),
        subject=subject.subject,
        cluster=facts.found.cluster,
        links=_links(facts, subject),
        holds=[f"{_name(row)}: {row['reason']} (since {words.moment(row['since'])})" for row in facts.holds],
        properties=[_property(facts, name) for name in applying or properties or []],
    )


def _name(row: Row) -> str:
    return f"{row['entity']}/{row['key']}"


def _applying(facts: Facts, row: Property) -> dict[str, str]:
    """Entities of the live records to which the property's row applies, with its name there."""
    there = {str(member["entity"]) for member in facts.live}
    return {
        entity: member.name
        for entity, member in row.members.items()
        if entity in there
        and (member.when is None or member.when in there)
        and (member.unless is None or member.unless not in there)
    }


def _links(facts: Facts, subject: Subject) -> list[str]:
    """How the records came together."""
    if facts.found.cluster is None:
        return [f"{facts.found.name} is linked to nothing, so nothing is decided about it yet."]
    sent = {row["entity"]: row for row in facts.intents if row["outcome"] == "linked"}
    found = []
    for row in facts.members:
        how = words.link(row["origin"], subject)
        if row["entity"] in sent and row["origin"] != "insert":
            how = f"was created by us with its document in run {sent[row['entity']]['run']}, and {how}"
        gone = f"; found removed from its system {words.moment(row['deleted_at'])}" if row["deleted_at"] else ""
        found.append(f"{_name(row)} {how}, {words.moment(row['linked_at'])} in run {row['linked_run']}{gone}.")
    return found + (["Nothing else is linked to it."] if len(facts.members) == 1 else [])


def _property(facts: Facts, name: str) -> PropertyAnswer:
    events = events_of(facts, name)
    state = _state(facts, name)
    return PropertyAnswer(
        property=name,
        meaning=facts.found.subject.properties[name].meaning,
        state=state,
        value=_agreed(facts, name),
        sentence=_verdict(facts, name, events),
        written=[told(event) for event in reversed(events) if event.kind == "write"],
        waiting=_waiting(facts, name),
        holdings=_holdings(facts, name),
        events=events,
    )


def _agreed(facts: Facts, name: str) -> str | None:
    return facts.golden["values"].get(name) if facts.golden is not None else None


def _state(facts: Facts, name: str) -> str:
    if any(row["property"] == name and row["resolved_at"] is None for row in facts.conflicts):
        return CONFLICT
    if any(row["property"] == name for row in facts.holds):
        return HELD
    if any(name in row["values"] for row in facts.owed):
        return OWED
    if facts.golden is None:
        return HELD if facts.holds else UNLINKED
    if _agreed(facts, name):
        return AGREED
    # A time without a value says that the property was cleared.
    return CLEARED if name in facts.golden["times"] else EMPTY


def _verdict(facts: Facts, name: str, events: Sequence[Event]) -> str:
    """Which value stands, over what, by which rule."""
    row = facts.found.subject.properties[name]
    if row.direction == "match":
        return "Used to find out which records are the same; never decided or written."
    if facts.golden is None:
        return "Nothing is agreed: no decision has been taken about these records yet."
    decided = [event for event in events if event.kind in ("first", "decision")]
    standing = max((place for place, event in enumerate(decided) if event.data["value_moved"]), default=None)
    if standing is not None:
        return " ".join(told(event) for event in decided[standing:])
    if not _agreed(facts, name):
        return " ".join(["None of these records has had a value that counts.", *(told(event) for event in decided)])
    return f"{words.quoted(_agreed(facts, name))} is agreed; how it came to be was not kept."


def _waiting(facts: Facts, name: str) -> list[str]:
    """What keeps the property from being the same everywhere."""
    found = []
    for row in facts.conflicts:
        if row["property"] == name and row["resolved_at"] is None:
            claims = "; ".join(
                f"{c['entity']}/{c['key']} says {words.quoted(c['value'])} (changed there {words.moment(c['time'])})"
                for c in row["claims"]
            )
            found.append(f"A person has to decide, since {words.moment(row['since'])} in run {row['run']}: {claims}.")
    found += [_owed(row, name) for row in facts.owed if name in row["values"]]
    return found + [
        f"{_name(row)} is held since {words.moment(row['since'])}: {row['reason']}"
        for row in facts.holds
        if row["property"] in (name, "")
    ]


def _owed(row: Row, name: str) -> str:
    target = f"{row['entity']}/{row['key']}" if row["key"] else f"a new record of {row['entity']}"
    value = words.quoted(row["values"][name])
    sentence = {
        "owed": f"{value} is still to be written to {target}",
        "waiting": f"{value} for {target} waits",
        "person": f"{value} is for a person to enter in {target}",
        "dead": f"{target} refused {value}",
    }[row["state"]]
    sentence += f", since {words.moment(row['since'])}, planned in run {row['run']}"
    sentence += f": {row['reason']}" if row["reason"] else "."
    return sentence + (f" Tried again from {words.moment(row['next_try'])}." if row["next_try"] else "")


def _holdings(facts: Facts, name: str) -> list[Holding]:
    """What each record holds, deleted ones too."""
    row = facts.found.subject.properties[name]
    names = _applying(facts, row)
    return [
        _holding(each, name, names.get(each["entity"]) or row.members[each["entity"]].name)
        for each in facts.members
        if each["entity"] in (row.members if each["deleted_at"] is not None else names)
    ]


def _holding(row: Row, name: str, own: str) -> Holding:
    value, sent = row["values"].get(name), row["sent"].get(name)
    changed = row["own_times"].get(name) or row["modified"]
    sentence = f"{_name(row)} holds {words.quoted(value)} as {own}"
    if sent and sent != value:
        sentence += f", of {words.quoted(sent)} that was sent"
    if row["deleted_at"] is not None:
        sentence += f"; it is gone since {words.moment(row['deleted_at'])}"
    elif row["written_at"] is not None:
        sentence += f"; written {words.moment(row['written_at'])} and not read back yet"
    else:
        # The record's time is that of its last change, whichever property it was.
        sentence += words.noted(changed, row["read_at"], row["read_run"]).replace(
            "changed there", "record last changed"
        )
    return Holding(_name(row), own, value, changed, row["read_at"], row["read_run"], row["deleted_at"], f"{sentence}.")
