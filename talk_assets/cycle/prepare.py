"""From owed writes to what is sent: references become the target's own keys, values its own names and codes."""

from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.references import targets_of
from talk_assets.ledger import clusters as links
from talk_assets.ledger.debts import owed_to, reasons_of
from talk_assets.ledger.records import values_in_use
from talk_assets.sync.convert import to_own_values
from talk_assets.sync.creation import missing


@dataclass(frozen=True)
class Ready:
    """Owed writes of one entity, prepared; all frames share one index, the cluster.

    Attributes:
        entity: the entity.
        slot: the slot, see `sync.slots`.
        rows: `operation, key, document_id, attempts`.
        canonical: what is written, canonical names and texts, references as the entity itself holds them; '' clears;
            NA is not written.
        own: the same under the entity's own names; '' clears.
        waits: why a row cannot be sent yet, '' when it can.
        expected: what the records held of it when it was planned, canonical.
        left_out: canonical values that stay owed because what they point to is not there yet.
        reasons: why they stay owed.
    """

    entity: str
    slot: int
    rows: pd.DataFrame
    canonical: pd.DataFrame
    own: pd.DataFrame
    expected: pd.DataFrame
    waits: pd.Series
    left_out: pd.DataFrame
    reasons: pd.Series


def prepare(cycle: Cycle, connection: sa.Connection, entity: str, slot: int = 1) -> Ready:
    """Load what is owed to an entity, in one slot, and translate it; nothing is stored."""
    subject = cycle.mappings.subject_of(entity)
    properties = list(subject.held_by(entity))
    owed = owed_to(connection, cycle.division, entity, properties, ["owed", "waiting"], slot)
    owed.index = pd.Index(owed["cluster_id"].astype("int64"))
    canonical = owed[[f"v:{name}" for name in properties]].set_axis(properties, axis=1)
    canonical = _without_taken(cycle, connection, entity, canonical, owed["operation"].eq("create"))
    translated, written = canonical.copy(), canonical.copy()
    incomplete = missing(subject, entity, canonical, cycle.capabilities[entity])
    waits = incomplete.where(owed["operation"].eq("create"), "").astype("str")
    reasons = pd.Series("", index=owed.index, dtype="str")
    left_out = pd.DataFrame(index=owed.index, columns=properties, dtype="str")
    for name in properties:
        row = subject.properties[name]
        if row.to is None or translated[name].isna().all():
            continue
        keys, why = _own_keys(cycle, connection, entity, name, translated[name])
        lost = translated[name].notna() & translated[name].ne("") & keys.isna()
        required = row.required or cycle.capabilities[entity].properties[row.members[entity].name].required
        if row.unresolved == "wait" or (row.unresolved is None and required):
            waits = waits.mask(lost & waits.eq(""), why)
        else:
            left_out[name] = canonical[name].where(lost)
            reasons = reasons.mask(lost & reasons.eq(""), why)
        translated[name] = keys.where(~lost)
        # As the entity will show it: what is read back then equals what was sent.
        target = cycle.mappings.target_of(entity, name)
        written[name] = (target + "/" + keys).where(keys.notna(), canonical[name]).mask(left_out[name].notna())
        # When this was planned it was not known yet that the record points there already.
        same = owed["operation"].eq("update") & keys.notna() & written[name].eq(owed[f"e:{name}"])
        translated[name], written[name] = translated[name].mask(same), written[name].mask(same)
    cleared = {name: flags for name in properties if (flags := translated[name].eq("")).any()}
    filled = translated.assign(**{name: translated[name].mask(flags) for name, flags in cleared.items()})
    own = to_own_values(filled, entity, subject)
    for name, flags in cleared.items():
        column = subject.properties[name].members[entity].name
        own[column] = own[column].mask(flags, "")
    return Ready(
        entity=entity,
        slot=slot,
        rows=owed[["operation", "key", "document_id", "attempts", "reason"]],
        canonical=written,
        own=own,
        expected=owed[[f"e:{name}" for name in properties]].set_axis(properties, axis=1),
        waits=waits,
        left_out=left_out,
        reasons=reasons,
    )


def _without_taken(
    cycle: Cycle, connection: sa.Connection, entity: str, canonical: pd.DataFrame, creates: pd.Series
) -> pd.DataFrame:
    """What is to be written, without proposals that another record of the entity already has."""
    kept = canonical.copy()
    for name, row in cycle.mappings.subject_of(entity).held_by(entity).items():
        if not row.members[entity].unless_taken:
            continue
        proposed = kept[name].where(creates)
        if proposed.notna().any():
            taken = values_in_use(connection, cycle.division, entity, name, proposed.dropna())
            kept[name] = kept[name].mask(proposed.isin(taken) | (proposed.notna() & proposed.duplicated()))
    return kept


def _own_keys(
    cycle: Cycle, connection: sa.Connection, entity: str, name: str, references: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """The target's own keys for references `entity/key`, and why one is not there yet."""
    target = cycle.mappings.target_of(entity, name)
    subject = cycle.mappings.subject_of(target).subject
    clusters = targets_of(cycle, connection, references.where(references.ne("")), {subject})
    found = references.map(clusters).astype("str")
    numbers = pd.Index(pd.to_numeric(found.dropna()).astype("int64").unique())
    keys = found.map(links.keys_in(connection, cycle.division, target, numbers)).astype("str")
    because = found.map(reasons_of(connection, cycle.division, target, numbers)).astype("str")
    text = f"waits for the {target} of " + references + (": " + because).fillna(", which is not linked yet")
    return keys, text.astype("str")
