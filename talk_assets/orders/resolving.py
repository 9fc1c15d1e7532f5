"""`resolve`: which of several claims on a property is right, or another value altogether."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.errors import OrderRefused
from talk_assets.ledger import settlement
from talk_assets.ledger.contested import TOOK
from talk_assets.ledger.notes import add_events
from talk_assets.mappings.model import Property
from talk_assets.orders.named import Named, find, members, note, reconsider
from talk_assets.schemas.frames import golden_schema
from talk_assets.schemas.report import failures
from talk_assets.sync.convert import canonical_column

RESOLVE = "resolve"
# Of a claim: whoever cleared the property claims that it has no value.
Claims = dict[str, str | None]


@dataclass(frozen=True)
class _Answer:
    """What a property becomes: its value (None: empty), whose it is, and who claimed what else."""

    property: str
    value: str | None
    winner: str
    claims: Claims


def resolve(cycle: Cycle, record: str, property_name: str, take: str, who: str) -> None:
    """Decide an open conflict: the value taken is agreed, and written everywhere by the next run.

    It wins over all that is held at that moment. Who edits the property later starts a new conflict.

    Args:
        cycle: see `desk`.
        record: any record of the thing that the conflict is about, as `customerp.customer/cus-1`.
        property_name: the property in conflict, under its canonical name; `record` where a record as a whole is, which
            was deleted in one system and edited in the other.
        take: the record whose value is right, one of those that claim something else or another of the same thing; or
            the value itself, '' for none. Of properties that are decided together, such as those of an address, only a
            record can be taken, which decides all of them.
        who: who decides.

    Raises:
        OrderRefused: the record is not known, has no open conflict of that property, or the value is not valid.
    """
    with cycle.ledger.begin() as connection:
        found = find(cycle, connection, record)
        open_claims = _open_claims(cycle, connection, found, property_name)
        known = members(cycle, connection, found)
        known = known[~known["deleted"]]
        if property_name in found.subject.properties:
            for answer in _answers(cycle, connection, found, property_name, take, open_claims, known):
                _settle(cycle, connection, found, answer, known, take, who)
        else:
            _settle_record(cycle, connection, found, property_name, open_claims[property_name], take, who)
        reconsider(cycle, connection, known)


def _settle(
    cycle: Cycle, connection: sa.Connection, record: Named, answer: _Answer, known: pd.DataFrame, take: str, who: str
) -> None:
    """Agree on an answer; what was claimed against it is an edit no more, what was edited since still is one."""
    number, name = int(str(record.cluster_id)), answer.property
    for row in known[known["entity"].isin(list(record.subject.properties[name].members))].to_dict("records"):
        at = (cycle.division, row["entity"], row["key"])
        if row["name"] in answer.claims:
            settlement.account(connection, *at, name, answer.claims[row["name"]])
        elif settlement.unaccounted_for(connection, *at, name):
            settlement.account(connection, *at, name, settlement.held(connection, *at).get(name))
    before = settlement.agree(connection, number, name, answer.value, answer.winner, RESOLVE)
    settlement.close_conflict(connection, number, name, f"{who}{TOOK}{take or 'no value'}")
    _note(cycle, connection, record, answer, before, take, who)


def _settle_record(
    cycle: Cycle, connection: sa.Connection, record: Named, name: str, claims: Claims, take: str, who: str
) -> None:
    """Decide a conflict that is about whole records, such as one that was deleted while another one was edited."""
    if take not in claims:
        told = " or ".join(f"{claimed} ({value})" for claimed, value in claims.items())
        raise OrderRefused(f"{take!r} does not decide what becomes of {record.name}: take {told}.")
    # By the name in it, the next run sees who is right.
    settlement.close_conflict(connection, int(str(record.cluster_id)), name, f"{who}{TOOK}{take}")
    row = {"cluster_id": record.cluster_id, "entity": record.entity, "key": record.key, "property": name}
    agreed = {"after": claims[take], "winner": take, "detail": {"take": take, "claims": claims}}
    note(cycle, connection, RESOLVE, who, record.subject.subject, [{**row, **agreed}])


def _open_claims(cycle: Cycle, connection: sa.Connection, record: Named, name: str) -> dict[str, Claims]:
    """What is claimed of each property of the record that is in conflict."""
    number = record.cluster_id
    found = {} if number is None else settlement.open_claims(connection, cycle.division, number)
    if name in found:
        return found
    if found:
        raise OrderRefused(f"{record.name} has no open conflict of {name}; it has one of {', '.join(sorted(found))}.")
    raise OrderRefused(f"{record.name} has no open conflict. Those there are: talk-assets conflicts")


def _answers(
    cycle: Cycle,
    connection: sa.Connection,
    record: Named,
    name: str,
    take: str,
    open_claims: dict[str, Claims],
    known: pd.DataFrame,
) -> list[_Answer]:
    properties = record.subject.properties
    group = properties[name].group
    names = [other for other in properties if other == name or (group is not None and properties[other].group == group)]
    if take in set(known["name"]):
        entity, _, key = take.partition("/")
        held = settlement.held(connection, cycle.division, entity, key)
        agreed = settlement.agreed(connection, int(str(record.cluster_id)))
        answers = []
        for other in names:
            claims = open_claims.get(other, {})
            # Of what is decided together, a record leaves alone what it cannot hold.
            own = held if entity in properties[other].members else agreed
            answers.append(_Answer(other, claims.get(take, own.get(other)), take, claims))
        if all(answer.value is None for answer in answers):
            _check_clearing(name, properties[name])
        return answers
    if len(names) > 1:
        raise OrderRefused(
            f"{name} is decided together with {', '.join(other for other in names if other != name)}: take one of "
            f"{' or '.join(sorted(known['name']))}, which decides all of them."
        )
    value = _value(cycle, record, name, take)
    return [_Answer(name, value, record.name, open_claims[name])]


def _value(cycle: Cycle, record: Named, name: str, text: str) -> str | None:
    """A value that a person wrote, in canonical form."""
    row = record.subject.properties[name]
    if not text.strip():
        _check_clearing(name, row)
        return None
    value = _canonical(row, text)
    frame = pd.DataFrame({each: pd.Series([pd.NA], dtype="str") for each in record.subject.properties})
    frame[name] = pd.Series([value], dtype="str")
    frame.insert(0, "cluster_id", pd.Series([record.cluster_id], dtype="int64"))
    found = failures(golden_schema(record.subject.subject, cycle.mappings), frame)
    problems = found.loc[found["property"].eq(name), "problem"]
    if len(problems):
        raise OrderRefused(f"{text!r} is no value of {name}, and no record of the conflict: {problems.iloc[0]}")
    return value


def _check_clearing(name: str, row: Property) -> None:
    if not row.clear:
        raise OrderRefused(f"{name} cannot be cleared: its mapping does not allow it. Take a record or a value.")


def _canonical(row: Property, text: str) -> str:
    """A value as the ledger spells it; of codes the canonical one is meant, of references `entity/key`."""
    if row.type in ("reference", "choice"):
        return text.strip()
    member = next(iter(row.members.values())).model_copy(update={"factor": None, "values": None, "separator": None})
    return str(canonical_column(pd.Series([text], dtype="object"), row, member, None).iloc[0])


def _note(
    cycle: Cycle,
    connection: sa.Connection,
    record: Named,
    answer: _Answer,
    before: str | None,
    take: str,
    who: str,
) -> None:
    agreed: dict[str, Any] = {
        "cluster_id": record.cluster_id,
        "entity": record.entity,
        "key": record.key,
        "property": answer.property,
        "before": before,
        "after": answer.value,
        "winner": answer.winner,
    }
    detail = {"take": take, "claims": answer.claims}
    note(cycle, connection, RESOLVE, who, record.subject.subject, [{**agreed, "detail": detail}])
    lost = [
        {
            **agreed,
            "subject": record.subject.subject,
            "kind": "decision",
            "rule": RESOLVE,
            "entity": name.partition("/")[0],
            "key": name.partition("/")[2],
            "loser": name,
            "loser_value": value,
            "detail": {"who": who},
        }
        for name, value in answer.claims.items()
        if value != answer.value
    ]
    add_events(connection, cycle.division, lost, cycle.run_id)
