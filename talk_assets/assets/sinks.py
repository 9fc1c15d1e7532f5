"""Sinks: deliver what is owed to an entity, and read back what it became."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.keys import OWNERS, SINKS, merged_key, sink_key
from talk_assets.assets.masking import about_people
from talk_assets.assets.metadata import counts, row_count, seconds, table
from talk_assets.assets.order import TOLD_LAST, WRITTEN_NEXT, referred_to, sink_order
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.deliver import Delivered, confirm, count_owed, deliver
from talk_assets.cycle.report import agreed_by, count_records, name_sources, note_writes
from talk_assets.cycle.send import Outcome
from talk_assets.ledger import debts, unfinished
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings

UNDELIVERED = "undelivered"
# Writes that are shown of a run, and of a preview.
_SAMPLED, _PREVIEWED = 10, 200
_WRITTEN = ["record", "operation", "property", "before", "after", "winner", "rule", "outcome"]
# A write that failed for now stays owed; the step itself is repeated when the system could not be reached at all.
_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def sink_asset(entity: str, mappings: Mappings, capabilities: Capabilities) -> dg.AssetsDefinition:
    """What was written to an entity: a graph of one op that delivers and one that confirms."""
    system = entity.partition(".")[0]
    deliver_op, confirm_op = _deliver_op(entity), _confirm_op(entity)

    @dg.graph_asset(
        key=sink_key(entity),
        ins={f"after_{n}": dg.AssetIn(key, dagster_type=dg.Nothing) for n, key in enumerate(_after(entity, mappings))},
        group_name=SINKS,
        owners=OWNERS,
        kinds={system, "postgres"},
        tags={"system": system, "subject": mappings.subject_of(entity).subject},
        code_version="1",
        description=_description(entity, capabilities),
    )
    def sink(**after: Any) -> Any:
        return confirm_op(deliver_op(list(after.values())))

    return sink


def _deliver_op(entity: str) -> dg.OpDefinition:
    @dg.op(
        name=f"deliver_{entity.replace('.', '_')}",
        ins={"after": dg.In(dg.Nothing)},
        out=dg.Out(dict, description="Counts of what was written."),
        retry_policy=_RETRIES,
        tags=WRITTEN_NEXT,
        description=f"Send what is owed to {entity}; a target that moved since it was read is decided again.",
    )
    def deliver_op(context: dg.OpExecutionContext, talk: dg.ResourceParam[TalkRun]) -> dict[str, int]:
        started = time.monotonic()
        done = Delivered(entity)
        talk.delivered.append(done)
        with talk.step("writes", entity):
            calls = talk.cycle.system_of(entity).calls
            try:
                deliver(talk.cycle, entity, lambda who, at, of: talk.tell("writing", who, at, of), done)
            finally:
                # What was sent before an error is in the other system, and has to be seen.
                shown = note_writes(talk.cycle, done)
                name_sources(talk.cycle, done.writes)
        for write in done.writes:
            if write["outcome"] != Outcome.DONE.value:
                context.log.info(f"{_target(write)}: {write['outcome']}. {_words(talk, write)}")
        spent = {"calls": talk.cycle.system_of(entity).calls - calls}
        return {**shown, **spent, "milliseconds": round((time.monotonic() - started) * 1000)}

    return deliver_op


def _confirm_op(entity: str) -> dg.OpDefinition:
    @dg.op(
        name=f"confirm_{entity.replace('.', '_')}",
        ins={"delivered": dg.In(dict)},
        out=dg.Out(dg.Nothing),
        retry_policy=_RETRIES,
        tags=WRITTEN_NEXT,
        description=f"Read {entity} back: what it now holds becomes the base, and what it filled in is decided.",
    )
    def confirm_op(context: dg.OpExecutionContext, talk: dg.ResourceParam[TalkRun], delivered: dict[str, int]) -> None:
        started, changed = time.monotonic(), 0
        with talk.step("confirmed", entity):
            calls = talk.cycle.system_of(entity).calls
            if delivered["created"] + delivered["updated"] + delivered["deleted"] + delivered["failed"]:
                changed = confirm(talk.cycle, entity)
                # What was counted when it was read is counted again only where it can be another number.
                talk.rows.pop(entity, None)
            if entity not in talk.rows:
                talk.rows[entity] = count_records(talk.cycle, entity)
            owed = count_owed(talk.cycle, entity)
            with talk.cycle.ledger.begin() as connection:
                waiting = debts.latest_owed(
                    connection, talk.cycle.division, entities=talk.cycle.with_lines(entity), limit=20
                )
            owing = [{**debt, "key": debt["key"] or ""} for debt in waiting.fillna("").to_dict("records")]
            name_sources(talk.cycle, owing)
        spent = delivered["milliseconds"] / 1000 + time.monotonic() - started
        shown = {key: value for key, value in delivered.items() if key != "milliseconds"}
        shown["calls"] += talk.cycle.system_of(entity).calls - calls
        context.add_output_metadata(
            {
                **row_count(talk.rows[entity]),
                **counts({**shown, "owed": owed, "read_back": changed}),
                **seconds(spent),
                # Dagster takes the sink for materialized, and for fresh, all the same.
                **({"preview": dg.MetadataValue.bool(True)} if talk.cycle.preview else {}),
                "owed_writes": table(_owed(talk, owing)),
                "written": _sample(talk, entity),
            }
        )

    return confirm_op


def _owed(talk: TalkRun, owing: Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """`record, operation, state, what`: why it waits, or else which properties are owed."""
    rows = []
    for debt in owing:
        names = ", ".join(json.loads(debt["values"]))
        why = "" if debt["state"] == "person" else _words(talk, debt)
        rows.append((_named(debt), debt["operation"], debt["state"], why or names))
    return pd.DataFrame(rows, columns=["record", "operation", "state", "what"], dtype="str")


def _sample(talk: TalkRun, entity: str) -> dg.MetadataValue[Any]:
    """The latest writes, a row per property: what it was, what it became, whose value that is and by which rule."""
    # A preview is made to see all of it.
    most = _PREVIEWED if talk.cycle.preview else _SAMPLED
    writes: list[dict[str, Any]] = [w for done in talk.delivered if done.entity == entity for w in done.writes[-most:]]
    agreed = agreed_by(talk.cycle, [write["cluster_id"] for write in writes])
    rows = [row for write in writes for row in _changed(talk, write, *agreed.get(write["cluster_id"], ({}, {})))]
    frame = pd.DataFrame(rows[: 3 * most], columns=_WRITTEN, dtype="str")
    return table(talk.people.frame(frame, about_people(talk.cycle.mappings.subject_of(entity)), ["before", "after"]))


def _changed(
    talk: TalkRun, write: dict[str, Any], winners: dict[str, str], rules: dict[str, str]
) -> Iterator[tuple[str, ...]]:
    held = talk.cycle.mappings.subject_of(write["entity"]).held_by(write["entity"])
    # A deletion has no values.
    for own, value in (_values(write) or {"": None}).items():
        shared = [name for name, row in held.items() if row.members[write["entity"]].name == own]
        # Of several shared properties with one name, each for other records, that which was agreed.
        name = next((each for each in shared if each in winners), "")
        before, why = write["before"].get(name) or "", (winners.get(name, ""), rules.get(name, ""))
        yield _named(write), write["operation"], own, before, value or "", *why, write["outcome"]


def _target(write: Mapping[str, object]) -> str:
    return f"{write['operation']} {write['entity']} {_named(write)}"


def _named(write: Mapping[Any, Any]) -> str:
    return str(write["key"] or f"for {write['source']}")


def _words(talk: TalkRun, debt: Mapping[Any, Any]) -> str:
    """Why a write was not done; what it says of people as it is shown."""
    return talk.people.write({**debt, "values": _values(debt)}, talk.cycle.mappings)


def _values(write: Mapping[Any, Any]) -> dict[str, Any]:
    """What is to be written; a debt from the ledger has it as JSON."""
    values = write["values"]
    return dict(json.loads(values) if isinstance(values, str) else values)


def _after(entity: str, mappings: Mappings) -> Sequence[dg.AssetKey]:
    """What is decided before it is written, what is referred to is written first, and Exact before Customerp."""
    subject = mappings.subject_of(entity)
    system = entity.partition(".")[0]
    referred = referred_to(subject, mappings)
    keys = [merged_key(subject.subject)]
    for other in sink_order(mappings):
        of = mappings.subject_of(other).subject
        same_system = other.partition(".")[0] == system
        if (same_system and of in referred) or (not same_system and of == subject.subject and system == "customerp"):
            keys.append(sink_key(other))
    return keys


def _description(entity: str, capabilities: Capabilities) -> str:
    read_only = capabilities[entity].read_only
    if read_only is not None:
        return (
            f"{read_only} What {entity} is owed is listed here; the debt closes by itself when the value appears there."
        )
    return (
        f"Delivers what is owed to {entity}. Before writing the feed is read once more, and a record that moved is "
        "left out and decided again; afterwards it is read back. An insert is noted before it is sent, so that a crash "
        "cannot duplicate it. A refused write is kept with the system's own words; one that failed for now stays owed."
    )


def undelivered_check(entity: str, partitions: Partitions) -> dg.AssetChecksDefinition:
    """Nothing that could be written is left owed."""

    @dg.asset_check(
        asset=sink_key(entity),
        name=UNDELIVERED,
        partitions_def=partitions,
        op_tags=TOLD_LAST,
        description="Nothing that could be written is left owed.",
    )
    def undelivered(talk: dg.ResourceParam[TalkRun]) -> dg.AssetCheckResult:
        mine = talk.cycle.with_lines(entity)
        with talk.step("checks", entity), talk.cycle.ledger.begin() as connection:
            owed = debts.count_owed(connection, talk.cycle.division)
            late, oldest = unfinished.late(connection, talk.cycle.division, datetime.now(UTC) - talk.debt_limit, mine)
        states = owed[owed["entity"].isin(mine)].groupby("state")["count"].sum()
        per_state = {str(state): int(n) for state, n in states.items()}
        grave = "dead" in per_state or late > 0
        since = f" {late} of it since {oldest:%Y-%m-%d %H:%M} UTC." if oldest is not None else ""
        return dg.AssetCheckResult(
            passed=not per_state,
            severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
            description=_told(per_state) + since,
            metadata=counts({**per_state, "late": late}),
        )

    return undelivered


def _told(per_state: dict[str, int]) -> str:
    words = {
        "dead": "refused: correct the record, it is then sent again",
        "waiting": "waiting for another record or a missing value",
        "person": "for a person to enter",
        "owed": "to be sent in the next run, or with the document that they are lines of",
    }
    told = [f"{per_state[state]} {text}" for state, text in words.items() if state in per_state]
    return "Owed: " + "; ".join(told) + "." if told else "Nothing is owed."
