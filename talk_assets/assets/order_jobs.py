"""Jobs by which a person settles from Dagit what waits for one: the same orders as on the command line.

Each has one op whose configuration, filled in on the launchpad, says what is ordered and by whom.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from talk_assets.assets.divisions import PATIENCE, Division, op_job, settings_of
from talk_assets.assets.masking import People, about_people
from talk_assets.cycle.context import Cycle
from talk_assets.errors import TalkError
from talk_assets.orders import accepting, linking, resolving, retrying, unlinking
from talk_assets.orders.desk import current_user, open_desk
from talk_assets.orders.listing import list_conflicts, list_holds
from talk_assets.settings import load_settings

_RECORD = "A record, as customerp.customer/cus-1."
_WHO = "Who gives the order; empty: the user that Dagster runs as."
_LISTS = ("conflicts", "holds")
# Rows of a list; the rest is in the ledger.
_SHOWN = 100


class Conflicts(dg.Config):
    """Nothing to say: all open conflicts are listed."""


class Holds(dg.Config):
    """Which holds are listed."""

    kind: str = Field(default="", description="Only holds of this kind, as ambiguous; empty: all.")


class Two(dg.Config):
    """Two records."""

    record: str = Field(description=_RECORD)
    other: str = Field(description="The other record, as exact.accounts/KEY.")
    who: str = Field(default="", description=_WHO)


class Decision(dg.Config):
    """How a conflict is decided."""

    record: str = Field(description=_RECORD)
    property: str = Field(description="The property in conflict, as the job `conflicts` names it.")
    take: str = Field(
        description="The record whose value is right, as entity/key; or the value itself, empty for none. What is "
        "typed here is kept with the run, and shown in clear."
    )
    who: str = Field(default="", description=_WHO)


class Acceptance(dg.Config):
    """What is let pass."""

    what: str = Field(
        description="The entity that a guard stopped, as exact.accounts; or a record that was unlinked, as entity/key."
    )
    kind: str = Field(default="", description="Only this guard, as volume; empty: all that stopped the entity.")
    who: str = Field(default="", description=_WHO)


class Again(dg.Config):
    """What is sent again."""

    record: str = Field(default="", description=f"{_RECORD} Empty: everything that was refused.")
    who: str = Field(default="", description=_WHO)


def order_jobs(divisions: Sequence[Division]) -> list[dg.JobDefinition]:
    """The jobs, one per order and list, each of them for one of several divisions."""
    told: list[tuple[str, Callable[..., None], str]] = [
        ("conflicts", _conflicts, "List the properties about which records differ and a person has to decide."),
        ("holds", _holds, "List the records that are left alone, with the reason and what settles it."),
        ("resolve", _resolve, "Decide a conflict: the value taken is written everywhere by the next sync."),
        ("link", _link, "Say that two records are the same."),
        ("unlink", _unlink, "Say that two records are not the same: they are never linked again."),
        ("accept", _accept, "Let pass once what a guard stopped; of an unlinked record, have one created."),
        ("retry", _retry, "Have sent again what a system refused."),
    ]
    return [_job(name, what, description, divisions) for name, what, description in told]


def _job(name: str, what: Callable[..., None], description: str, divisions: Sequence[Division]) -> dg.JobDefinition:
    step = dg.op(name=f"{name}_by_hand", out=dg.Out(dg.Nothing), description=description)(what)
    told = f"{description} The same as `talk-assets {name}`."
    return op_job(name, step, told, divisions, reading=name in _LISTS)


def _conflicts(context: dg.OpExecutionContext, config: Conflicts) -> None:  # noqa: ARG001  # Dagster asks for one
    with _desk(context, reading=True) as at:
        found, people = list_conflicts(at), _people()
        rows = [
            (
                row["record"],
                row["property"],
                row["kind"],
                claim["record"],
                _shown(at, people, row["property"], claim),
                claim["time"] or "",
                row["settle"],
            )
            for row in found
            for claim in row["claims"]
        ]
    _show(context, "conflicts", ("record", "property", "kind", "claimed by", "value", "changed at", "settle"), rows)


def _holds(context: dg.OpExecutionContext, config: Holds) -> None:
    with _desk(context, reading=True) as at:
        people = _people()
        rows = [
            (
                row["record"],
                row["kind"],
                row["property"] or "",
                people.held(row, at.mappings),
                row["settle"],
            )
            for row in list_holds(at, config.kind or None)
        ]
    _show(context, "holds", ("record", "kind", "property", "reason", "settle"), rows)


def _resolve(context: dg.OpExecutionContext, config: Decision) -> None:
    with _desk(context) as at:
        resolving.resolve(at, config.record, config.property, config.take, config.who or current_user())


def _link(context: dg.OpExecutionContext, config: Two) -> None:
    with _desk(context) as at:
        linking.link(at, config.record, config.other, config.who or current_user())


def _unlink(context: dg.OpExecutionContext, config: Two) -> None:
    with _desk(context) as at:
        unlinking.unlink(at, config.record, config.other, config.who or current_user())


def _accept(context: dg.OpExecutionContext, config: Acceptance) -> None:
    with _desk(context) as at:
        if "/" in config.what:
            accepting.accept_creation(at, config.what, config.who or current_user())
            return
        for seen in accepting.accept(at, config.what, config.kind or None, config.who or current_user()):
            context.log.info(f"Accepted for {config.what}: {seen}")


def _retry(context: dg.OpExecutionContext, config: Again) -> None:
    with _desk(context) as at:
        found = retrying.retry(at, config.record or None, config.who or current_user())
    _show(context, "owed_again", ("record",), [(name,) for name in found])


@contextmanager
def _desk(context: dg.OpExecutionContext, *, reading: bool = False) -> Iterator[Cycle]:
    """Where the order is given; what cannot be carried out is a failure whose text is the error's one sentence."""
    try:
        with open_desk(settings_of(context.run), context.run_id, reading=reading, wait_seconds=PATIENCE) as at:
            yield at
    except TalkError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _shown(at: Cycle, people: People, name: str, claim: Mapping[str, Any]) -> str:
    """A claimed value."""
    value = str(claim["value"] or "(cleared)")
    entity = str(claim["record"]).partition("/")[0]
    return people.value(value) if name in about_people(at.mappings.subject_of(entity)) else value


def _people() -> People:
    return People(load_settings(()).talk_show_personal)


def _show(context: dg.OpExecutionContext, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a list beside the op's output, as Markdown."""
    lines = [columns, ["---"] * len(columns), *rows[:_SHOWN]]
    told = "\n".join(
        f"| {' | '.join(' '.join(cell.replace('|', chr(92) + '|').split()) for cell in row)} |" for row in lines
    )
    context.add_output_metadata({"count": dg.MetadataValue.int(len(rows)), name: dg.MetadataValue.md(told)})
