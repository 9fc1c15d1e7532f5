"""Everything that happened to one property, in order, each as a sentence."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from talk_assets.mappings.model import Property
from talk_assets.why import words
from talk_assets.why.answer import Event
from talk_assets.why.facts import Facts, Row

# Of what happened at the same time, what comes first.
_RANKS = {"link": 0, "person": 1, "first": 2, "decision": 3, "conflict": 4}
_LAST = 5
# The rule of a write that takes a record out of use; its property is named as the system does.
_ARCHIVE = "archive"


def events_of(facts: Facts, name: str) -> list[Event]:
    """All that is known to have happened to a property of the records, and to the records as such; oldest first.

    In `data` of a decision, and of the first agreement, `value_moved` says whether the agreed value became another.
    """
    row = facts.found.subject.properties[name]
    decisions = [each for each in facts.history if each["kind"] == "decision" and each["property"] == name]
    found = [
        _decision(row, at, run, list(rows))
        for (at, run), rows in groupby(decisions, key=lambda each: (each["at"], each["run"]))
    ]
    first = _first(facts, name, decisions)
    found += [first] if first is not None else []
    others = [each for each in facts.history if each["kind"] != "decision" and _concerns(each, name)]
    found += [event for each in others if (event := _event(facts, row, each)) is not None]
    found += [_ended(each) for each in facts.conflicts if each["property"] == name and each["resolved_at"] is not None]
    return sorted(found, key=lambda event: (event.at, _RANKS.get(event.kind, _LAST)))


def _concerns(each: Row, name: str) -> bool:
    """Whether a row of history is about the property, or about the record as such."""
    return each["property"] in (name, None) or each["rule"] == _ARCHIVE


def told(event: Event) -> str:
    """An event as a sentence with its time and run."""
    run = f" in run {event.run}" if event.run else ""
    # A record's name is spelled as it is typed into the next command.
    begins = event.sentence if "/" in event.sentence.split(" ")[0] else event.sentence[:1].upper() + event.sentence[1:]
    return f"{begins}; {words.moment(event.at)}{run}."


def _first(facts: Facts, name: str, decisions: Sequence[Row]) -> Event | None:
    """The first agreement, where no decision tells it: the value, from whom, and when that record had been read."""
    golden, made = facts.golden, facts.created
    if golden is None or made is None:
        return None
    if decisions and decisions[0]["loser"] is not None and decisions[0]["before"] is None:
        # There were losers, and they are told of.
        return None
    moved = next((row for row in decisions if row["loser"] is None), None)
    if moved is None:
        value, winner = golden["values"].get(name), golden["winners"].get(name)
    else:
        value, winner = moved["before"], moved["detail"].get("former_winner")
    if not value:
        return None
    first: Mapping[str, Any] = golden["first"]
    at = datetime.fromisoformat(first["at"]) if first else made[0]
    read: Mapping[str, Any] = first.get("read", {}).get(winner, {})
    noted = words.noted(read.get("changed"), read.get("read_at"), read.get("read_run"))
    sentence = (
        f"{words.quoted(value)} of {winner or 'a record that was not kept'}{noted} was agreed, nothing else was there"
    )
    if len(first.get("read", {})) > 1:
        sentence = sentence.replace("nothing else was there", "no other record had another value")
    data = {"value_moved": True, "value": value, "winner": winner, **read}
    return Event(at, first.get("run", made[1]), "first", sentence, data)


def _decision(row: Property, at: datetime, run: str, rows: Sequence[Row]) -> Event:
    """What one decision came to: who won, over whom, and what was agreed before."""
    main = next((each for each in rows if each["loser"] is None), rows[0])
    lost = [each for each in rows if each["loser"] is not None]
    detail: Mapping[str, Any] = main["detail"]
    moved = main["loser"] is None or (main["before"] or None) != (main["after"] or None)
    noted = f"{main['winner']}{_noted(detail, 'winner')}" if main["winner"] else "a record that was not kept"
    sentence = f"{words.quoted(main['after'])} of {noted}" if main["after"] else f"the clearing in {noted}"
    if not moved:
        sentence += " stayed"
    elif main["before"]:
        former = detail.get("former_winner")
        sentence += f" replaced {words.quoted(main['before'])}, agreed before" + (f" from {former}," if former else ",")
    else:
        sentence += " won" if lost else " was agreed"
    if lost:
        sentence += " over " + " and ".join(
            f"{words.quoted(each['loser_value'])} of {each['loser']}{_noted(each['detail'], 'loser')}" for each in lost
        )
    rules = dict.fromkeys(words.rule(each["rule"], row, each["detail"]) for each in [main, *lost])
    sentence += f" by the rule {'; and '.join(rules)}"
    over = [
        {"record": each["loser"], "value": each["loser_value"], "rule": each["rule"], **_part(each["detail"], "loser")}
        for each in lost
    ]
    kept = {name: main[name] for name in ("before", "after", "winner", "rule")}
    return Event(at, run, "decision", sentence, {"value_moved": moved, **kept, **detail, "over": over})


def _event(facts: Facts, row: Property, each: Row) -> Event | None:
    """A row of history that is no decision; None when it says nothing about this property."""
    about = f"{each['entity']}/{each['key']}" if each["entity"] and each["key"] else "a record"
    names = ("entity", "key", "before", "after", "rule", "status")
    data = {name: each[name] for name in names if each[name] is not None}
    if each["kind"] == "link":
        sentence = f"{about} {words.link(each['rule'], facts.found.subject)}"
    elif each["kind"] == "write" and each["rule"] == "delete":
        sentence = f"{about} was deleted by us, because its counterpart was"
    elif each["kind"] == "write" and each["rule"] == _ARCHIVE:
        sentence = f"{about} was archived by us ({each['property']} {words.quoted(each['after'])})"
    elif each["kind"] == "write":
        if each["property"] is None or each["entity"] not in row.members:
            return None
        sentence = _written(f"{about} ({row.members[each['entity']].name})", each)
    elif each["kind"] == "skip":
        sentence = f"a write to {about} was left out: {words.skip(each['rule'])}"
    else:
        taken = f" {each['detail']['take']}" if each["detail"].get("take") else ""
        sentence = f"{each['detail'].get('who', 'somebody')} ordered: {each['rule']}{taken}"
        data = {**data, **each["detail"]}
    return Event(each["at"], each["run"], each["kind"], sentence, data)


def _written(target: str, each: Row) -> str:
    status = f", HTTP {each['status']}" if each["status"] else ""
    if each["rule"] == "kept as":
        return f"{target} kept {words.quoted(each['after'])} of {words.quoted(each['before'])} that was sent"
    if each["rule"] == "create":
        return f"{words.quoted(each['after'])} was written to {target}, with which it was created{status}"
    before = words.quoted(each["before"])
    return f"{words.quoted(each['after'])} was written to {target}, which held {before}{status}"


def _ended(conflict: Row) -> Event:
    claims = "; ".join(f"{c['entity']}/{c['key']} said {words.quoted(c['value'])}" for c in conflict["claims"])
    sentence = f"a conflict since {words.moment(conflict['since'])} ended ({claims}): {conflict['resolution']}"
    return Event(conflict["resolved_at"], None, "conflict", sentence, {"claims": conflict["claims"]})


def _noted(detail: Mapping[str, Any], role: str) -> str:
    part = _part(detail, role)
    return words.noted(part.get("changed"), part.get("read_at"), part.get("read_run"))


def _part(detail: Mapping[str, Any], role: str) -> dict[str, Any]:
    """What is kept of the winner or the loser."""
    return {key.removeprefix(f"{role}_"): value for key, value in detail.items() if key.startswith(f"{role}_")}
