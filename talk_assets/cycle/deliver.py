"""Step 8: deliver what is owed to one entity, and read back what it became.

Before the first write the target's feed is read once more: a target that moved is left out and decided again. After
each batch, which takes seconds at most, it is read again, which confirms that batch and is the check before the next.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.collect import INVALID, collect
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.guards import stops_writes
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import OPEN_STILL, merge
from talk_assets.cycle.send import CHANGED_SINCE_READ, Outcome, Sender
from talk_assets.cycle.writes import FORBIDDEN, Write, writes_of
from talk_assets.ledger import debts, guards
from talk_assets.ledger.notes import add_skips, holds_of
from talk_assets.ledger.records import moved_since_decided, undecided_entities
from talk_assets.mappings.model import Subject

# n writes cost about n / BATCH + 2 looks at their target; a look at items or documents of Exact reads two sets.
BATCH = 50
# No further write of a batch is begun after so many seconds. Exact has no conditional update, so what somebody edits
# between our read and our write is overwritten; 50 writes within Exact's limits would leave a minute for that. Twenty
# are sent meanwhile where each takes a second. One that was begun is sent within 15 seconds more
# (`Patience.longest_write`), or not before another look.
BATCH_SECONDS = 20.0
# When this many writes in a row meet a passing fault, the rest waits for the next run.
_GIVE_UP_AFTER = 3
# When this many writes in a row are forbidden, those that were so before wait for an hour: a system bears few such
# calls, and those that are left are for writes that may well be carried out.
_FORBIDDEN_IN_A_ROW = 2

# What becomes, in a preview, of writes that a guard would stop.
HELD_BACK = "would be held back by a guard"

# Called with the entity, the writes done, and the writes to do.
Progress = Callable[[str, int, int], None]


@dataclass
class Delivered:
    """What was done for one written entity; `writes` has a row per write tried or, in a preview, planned."""

    entity: str
    created: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    owed: int = 0
    writes: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True)
class _Look:
    """Another look at a target.

    Attributes:
        read: how many records it brought.
        decided: whether anything was decided after it.
        moved: by entity, of the writes that were planned those that were planned from something else.
    """

    read: int
    decided: bool
    moved: dict[str, list[Write]]


def deliver(cycle: Cycle, entity: str, progress: Progress | None = None, done: Delivered | None = None) -> Delivered:
    """Send what is owed to an entity, documents before lines that were added to or changed in existing ones.

    In a preview nothing is sent: `writes` says what would be.

    Args:
        cycle: the run.
        entity: the entity.
        progress: called after each write.
        done: where to count, for a caller that wants to know what was done before an error.

    Raises:
        AccessDenied: no write can succeed until a person acts; everything that was not sent stays owed.
    """
    done = Delivered(entity) if done is None else done
    if cycle.capabilities[entity].read_only is not None:
        return done
    names = cycle.with_lines(entity)
    if cycle.preview:
        writes = {name: _sendable(cycle, name) for name in names}
        stopped = _guarded(cycle, entity, writes)
        words = HELD_BACK if stopped else "would be sent"
        done.writes += [_row(write, words, "") for name in names for write in writes[name]]
        return done
    with cycle.ledger.begin() as connection:
        if not debts.is_owed(connection, cycle.division, names):
            _guards_stop(cycle, connection, entity, {})
            return done
    writes = {name: _sendable(cycle, name) for name in names}
    if _guarded(cycle, entity, writes) or not any(writes.values()):
        return done
    # What is new in the target may be what is about to be created there.
    look = _look_again(cycle, entity, writes)
    if look.read or look.decided:
        before, writes = writes, {name: _sendable(cycle, name) for name in names}
        for name in names:
            _note_changed(cycle, name, [*look.moved[name], *_dropped(before[name], writes[name])])
    if _guarded(cycle, entity, writes):
        return done
    for name in names:
        if name != entity and done.writes:
            # While documents were sent, their lines may have been decided otherwise, and those that were created with
            # them have to be known before any line is sent.
            left = _sendable(cycle, name)
            writes[name] = _after_another_look(cycle, entity, name, left) if left or done.created else []
        _send_all(cycle, name, writes[name], done, progress)
    return done


def _note_changed(cycle: Cycle, name: str, writes: list[Write]) -> None:
    """Note updates that are not sent as they were planned, because their target is not what they were planned from.

    That is so also where deciding again came to the same: what was planned without the edit was not sent blindly.
    """
    keys = list(dict.fromkeys(write.key for write in writes if write.key is not None))
    if keys:
        subject = cycle.mappings.subject_of(name).subject
        rows = pd.DataFrame({"key": keys}).assign(subject=subject, entity=name, property=None, rule=CHANGED_SINCE_READ)
        with cycle.ledger.begin() as connection:
            add_skips(connection, cycle.division, rows, cycle.run_id)


def _dropped(before: list[Write], after: list[Write]) -> list[Write]:
    """The writes that are not to be sent any more."""
    still = {(write.debt, tuple(sorted(write.canonical.items()))) for write in after}
    return [write for write in before if (write.debt, tuple(sorted(write.canonical.items()))) not in still]


def _guarded(cycle: Cycle, entity: str, writes: dict[str, list[Write]]) -> bool:
    """Whether nothing may be written: too much would be, or the entity cannot be looked at."""
    with cycle.ledger.begin() as connection:
        return _guards_stop(cycle, connection, entity, writes)


def _guards_stop(cycle: Cycle, connection: sa.Connection, entity: str, writes: dict[str, list[Write]]) -> bool:
    if _hidden(cycle, connection, entity):
        return True
    every = [write for some in writes.values() for write in some]
    deletes = sum(write.operation == "delete" for write in every)
    debts_sent = [(write.entity, *write.debt) for write in every]
    return stops_writes(cycle, connection, entity, debts_sent, deletes)


def _hidden(cycle: Cycle, connection: sa.Connection, entity: str) -> bool:
    """Whether it is not known what an entity holds by now: its feed is empty, or nothing was taken from it."""
    empty = (guards.EMPTY,)
    return entity in cycle.untaken or guards.waits(connection, cycle.division, cycle.with_lines(entity), empty)


def _cannot_look(cycle: Cycle, entity: str) -> bool:
    with cycle.ledger.begin() as connection:
        return _hidden(cycle, connection, entity)


def confirm(cycle: Cycle, entity: str) -> int:
    """Read an entity, before or after writing, and decide what is new about it; how many records the read brought."""
    return _look_again(cycle, entity, {}).read


def _look_again(cycle: Cycle, entity: str, writes: dict[str, list[Write]]) -> _Look:
    collected = collect(cycle, entity)
    moved: dict[str, list[Write]] = {name: [] for name in writes}
    for name, planned in writes.items() if collected.changed else ():
        keys = _moved(cycle, name, planned)
        moved[name] = [write for write in planned if write.key in keys]
    subject = cycle.mappings.subject_of(entity)
    decided = bool(collected.changed) or _anything_new(cycle, subject)
    if decided:
        for flow in subject.flows:
            match(cycle, flow)
        merge(cycle, subject.subject)
    return _Look(collected.read, decided, moved)


def count_owed(cycle: Cycle, entity: str) -> int:
    """How many records of an entity, and of its lines, are still owed something."""
    with cycle.ledger.begin() as connection:
        counts = debts.count_owed(connection, cycle.division)
    return int(counts["count"][counts["entity"].isin(cycle.with_lines(entity))].sum())


def _anything_new(cycle: Cycle, subject: Subject) -> bool:
    """Whether there is something to decide that is not held, or an insert whose outcome is not known."""
    entities = {*subject.entities, *(subject.lines.entities if subject.lines is not None else [])}
    with cycle.ledger.begin() as connection:
        undecided = undecided_entities(connection, cycle.division, without_holds=OPEN_STILL)
        return bool(entities & (undecided | debts.entities_with_intent(connection, cycle.division)))


def _sendable(cycle: Cycle, entity: str) -> list[Write]:
    with cycle.ledger.begin() as connection:
        return writes_of(cycle, connection, entity)


def _send_all(cycle: Cycle, entity: str, writes: list[Write], done: Delivered, progress: Progress | None) -> None:
    """Send what can be sent, batch by batch; after each the target is read and what is left is listed anew."""
    sender = Sender(cycle, entity)
    tried: set[tuple[int, int]] = set()
    given: set[tuple[int, int]] = set()
    faults = forbidden = 0
    while writes:
        batch = writes[:BATCH]
        left_out = _moved(cycle, entity, batch)
        tried |= {write.debt for write in batch if write.key in left_out}
        ends = time.monotonic() + BATCH_SECONDS
        for together in _calls(cycle, [write for write in batch if write.key not in left_out]):
            if time.monotonic() > ends:
                break
            if _left_alone(sender, together, given, closed=forbidden >= _FORBIDDEN_IN_A_ROW):
                tried |= {write.debt for write in together}
                continue
            cycle.still_locked()
            with cycle.needing(cycle.system_of(entity).name):
                outcomes = sender.send_lines(together) if len(together) > 1 else [sender.send(together[0])]
            faults = faults + 1 if outcomes[-1][0] in (Outcome.UNAVAILABLE, Outcome.POSTPONED) else 0
            forbidden = forbidden + 1 if outcomes[-1][1].startswith(FORBIDDEN) else 0
            waits = outcomes[-1][0] is Outcome.POSTPONED and faults < _GIVE_UP_AFTER
            for write, (outcome, words) in zip(together, outcomes, strict=True):
                if not waits or outcome is not Outcome.POSTPONED:
                    _count(done, write, outcome, words)
                    tried.add(write.debt)
            given |= {
                write.debt for write, (outcome, _) in zip(together, outcomes, strict=True) if outcome is Outcome.DONE
            }
            if progress is not None:
                progress(done.entity, len(done.writes), len(done.writes) + len(writes) - len(batch))
            if faults >= _GIVE_UP_AFTER:
                return
            if waits:
                # The look that comes next waits as long; what it shows may differ from what this was planned from.
                break
        left = [write for write in writes if write.debt not in tried]
        writes = _after_another_look(cycle, done.entity, entity, left) if left else []
        writes = [write for write in writes if write.debt not in tried]


def _left_alone(sender: Sender, writes: list[Write], given: set[tuple[int, int]], *, closed: bool) -> bool:
    """Whether writes are put off, because nothing is let through, or what they take was not given up."""
    if closed and all(write.forbidden for write in writes):
        for write in writes:
            sender.leave(write)
        return True
    if all(giver in given for write in writes for giver in write.after):
        return False
    for write in writes:
        sender.wait(write)
    return True


def _after_another_look(cycle: Cycle, entity: str, name: str, left: list[Write]) -> list[Write]:
    """What is to be written to an entity, or its lines (`name`), once it was read again; nothing where it cannot be."""
    _note_changed(cycle, name, _look_again(cycle, entity, {name: left}).moved[name])
    return [] if _cannot_look(cycle, entity) else _sendable(cycle, name)


def _calls(cycle: Cycle, writes: list[Write]) -> list[list[Write]]:
    """The writes of each call: updates of lines of one document go together where the system takes them so.

    Lines are added last: after that it is not known in which version of the document others may be changed.
    """
    found: dict[Hashable, list[Write]] = {}
    for write in sorted(writes, key=lambda write: write.document is not None and write.operation == "create"):
        line = write.document is not None and write.operation == "update"
        together = line and cycle.system_of(write.entity).lines_together(write.entity)
        found.setdefault(write.document if together else write.debt, []).append(write)
    return list(found.values())


def _count(done: Delivered, write: Write, outcome: Outcome, words: str) -> None:
    done.writes.append(_row(write, outcome.value, words))
    if outcome is Outcome.DONE and write.operation == "create" and write.document is None:
        done.created += 1
    elif outcome is Outcome.DONE and write.operation == "delete" and not write.own:
        done.deleted += 1
    elif outcome is Outcome.DONE:
        # A line that is added or changed is a change of its document.
        done.updated += 1
    elif outcome is not Outcome.CHANGED:
        done.failed += 1


def _moved(cycle: Cycle, entity: str, writes: list[Write]) -> set[str]:
    """Targets that are no longer what the writes were planned from, or whose content could not be taken."""
    keys = [write.key for write in writes if write.key is not None]
    with cycle.ledger.begin() as connection:
        targets = pd.DataFrame({"entity": entity, "key": pd.Series(keys, dtype="str")})
        invalid = holds_of(connection, cycle.division, targets, [INVALID])
        return moved_since_decided(connection, cycle.division, entity, keys) | set(invalid["key"])


def _row(write: Write, outcome: str, words: str) -> dict[str, object]:
    return {
        "entity": write.entity,
        "key": write.key or "",
        "cluster_id": write.cluster_id,
        "operation": write.operation,
        "values": write.own,
        "before": write.expected,
        "lines": [line.own for line in write.lines],
        "outcome": outcome,
        "reason": words,
    }
