"""Read the pairs whose turn it is from both systems, and compare what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

import pandas as pd
import sqlalchemy as sa

from talk_assets.equality.both import Both
from talk_assets.equality.known import Shown, known_pairs
from talk_assets.errors import AccessDenied, ConfigurationError, SystemUnavailable
from talk_assets.ledger.compared import count_pairs, next_pairs, note_compared, read_from
from talk_assets.mappings.model import Mappings
from talk_assets.sync.convert import to_canonical
from talk_assets.sync.equal import UNEXPLAINED, differences

# From so many records on it is no accident that a system has none of them: it may not show them any more.
_SEVERAL = 3


@dataclass(frozen=True)
class Compared:
    """What the comparison of a flow's pairs came to.

    Attributes:
        flow: its name.
        linked: how many linked pairs there are.
        compared: how many were compared.
        gone: `entity/key` of records that are linked and no more in their system.
        differences: `record, other, property, customerp, exact, why, unread`: both records as `entity/key`, then as
            `sync.equal.DIFFERENCES`.
        hindrance: why nothing could be compared, as a sentence; '' where it could.
    """

    flow: str
    linked: int
    compared: int = 0
    gone: list[str] = field(default_factory=list)
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    hindrance: str = ""

    @property
    def unexplained(self) -> pd.DataFrame:
        """The differences that nothing explains."""
        return self._rows(explained=False)

    @property
    def explained(self) -> pd.DataFrame:
        """The differences that are as they should be."""
        return self._rows(explained=True)

    def _rows(self, *, explained: bool) -> pd.DataFrame:
        if self.differences.empty:
            return self.differences
        return self.differences[self.differences["why"].isin(UNEXPLAINED) != explained]


def flows_of(mappings: Mappings, entities: Sequence[str]) -> list[str]:
    """The flows that any of the entities has a part in; all of them where none is named.

    Raises:
        ConfigurationError: there is no such entity.
    """
    unknown = [entity for entity in entities if entity not in mappings.entities]
    if unknown:
        raise ConfigurationError(
            f"There is no entity {', '.join(unknown)} to compare; it is one of {', '.join(mappings.entities)}."
        )
    return [name for name, flow in mappings.flows.items() if not entities or set(entities) & set(flow.entities)]


def compare(both: Both, flows: Sequence[str], most: int, run: str) -> list[Compared]:
    """Compare the pairs of flows whose turn it is; a record is read once, however many flows it is in.

    Args:
        both: the systems.
        flows: names of flows.
        most: pairs per flow; 0 compares none.
        run: id under which it is remembered whose turn is next.

    Returns:
        What was found, flow by flow.

    Raises:
        SystemUnavailable: a system does not answer, or its calls have to last for the day: nothing was compared.
        AccessDenied: a system refuses the login.
    """
    if most <= 0:
        with both.ledger.begin() as connection:
            return [Compared(flow, _linked(both, connection, flow)) for flow in flows]
    _confirm_calls(both)
    with both.ledger.begin() as connection:
        linked = {flow: _linked(both, connection, flow) for flow in flows}
        chosen = {
            flow: next_pairs(connection, both.division, flow, *both.mappings.flows[flow].entities, most)
            for flow in flows
        }
        entities = {entity for flow in flows for entity in both.mappings.flows[flow].entities}
        reads = {entity: read_from(connection, both.division, entity) for entity in entities}
    read = _read(both, chosen, reads)
    # What is known is looked at afterwards: what changed meanwhile is then seen to have changed. How far feeds were
    # read was looked at before, since a sync that goes on meanwhile has read what was not yet there to be compared.
    with both.ledger.begin() as connection:
        found = [_compared(both, connection, flow, linked[flow], chosen[flow], read) for flow in flows]
        for each in found:
            if not each.hindrance:
                note_compared(connection, both.division, each.flow, chosen[each.flow], run)
    return found


def _linked(both: Both, connection: sa.Connection, flow: str) -> int:
    return count_pairs(connection, both.division, *both.mappings.flows[flow].entities)


def _confirm_calls(both: Both) -> None:
    for name, system in both.systems.items():
        rest = system.resting()
        if rest:
            raise SystemUnavailable(
                name,
                f"Nothing was compared: the calls of {name} have to last for the day, and some of them for writes. "
                f"Try again in {rest / 60:.0f} min.",
                retry_after=rest,
            )


def _read(
    both: Both, chosen: Mapping[str, pd.DataFrame], reads: Mapping[str, datetime | None]
) -> dict[str, Shown | str]:
    """Per entity its records as they are now; or why they may not be read."""
    keys: dict[str, dict[str, None]] = {}
    for flow, pairs in chosen.items():
        for entity, name in zip(both.mappings.flows[flow].entities, ("customerp", "exact"), strict=True):
            keys.setdefault(entity, {}).update(dict.fromkeys(pairs[name]))
    found = {entity: _look_up(both, entity, list(wanted)) for entity, wanted in keys.items()}
    return {entity: told if isinstance(told, str) else Shown(told, reads[entity]) for entity, told in found.items()}


def _look_up(both: Both, entity: str, keys: list[str]) -> pd.DataFrame | str:
    try:
        records = both.systems[entity.partition(".")[0]].find(entity, keys).records if keys else []
    except AccessDenied as error:
        # A right to one kind of record is missing; the others can be compared.
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return str(error)
    if not records:
        if len(keys) >= _SEVERAL:
            return (
                f"None of {len(keys)} linked records of {entity} was found: look whether we may still read them "
                "(talk-assets exact check), or whether they were all deleted."
            )
        return pd.DataFrame(columns=["key"]).set_index("key")
    raw = pd.DataFrame(records, dtype="object").drop_duplicates("_key", keep="last").reset_index(drop=True)
    return to_canonical(raw, entity, both.mappings).set_index("key")


def _compared(
    both: Both,
    connection: sa.Connection,
    flow: str,
    linked: int,
    chosen: pd.DataFrame,
    read: Mapping[str, Shown | str],
) -> Compared:
    entities = both.mappings.flows[flow].entities
    sides = {entity: read[entity] for entity in entities}
    told = [side for side in sides.values() if isinstance(side, str)]
    if told:
        return Compared(flow, linked, hindrance=" ".join(told))
    if chosen.empty:
        return Compared(flow, linked)
    now = {entity: side for entity, side in sides.items() if isinstance(side, Shown)}
    pairs, targets = known_pairs(both, connection, entities, chosen, now)
    found = differences(pairs, both.capabilities, targets)
    names = {
        column: entity + "/" + chosen[name].astype("str")
        for entity, name, column in zip(entities, ("customerp", "exact"), ("record", "other"), strict=True)
    }
    gone = [
        str(name)
        for side, column in ((pairs.customerp, "record"), (pairs.exact, "other"))
        for name in names[column][~side.found]
    ]
    rows = found.assign(**{column: found["pair"].map(values).astype("str") for column, values in names.items()})
    there = int((pairs.customerp.found & pairs.exact.found).sum())
    columns = ["record", "other", "property", "customerp", "exact", "why", "unread"]
    return Compared(flow, linked, there, sorted(set(gone)), rows[columns])
