"""Why a value is what it is: the rows of agreed values that changed, and of values that were overruled."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Property
from talk_assets.sync.columns import Flags
from talk_assets.sync.frames import NEVER
from talk_assets.sync.part import Bools, Part
from talk_assets.sync.rules import Verdict
from talk_assets.sync.take import Taken
from talk_assets.sync.unit import Unit, named

HISTORY = ["cluster_id", "property", "before", "after", "winner", "loser", "loser_value", "rule"]
# The rule under which somebody's clearing of a property is put back.
EMPTY = "empty never wins"


def agreed_rows(part: Part, taken: Taken, known: Flags, winners: pd.Series, rule: str) -> list[pd.DataFrame]:
    """The agreed values of a property that changed; first values of a new cluster are not changes.

    Args:
        part: the property.
        taken: what it becomes.
        known: clusters of which something was agreed before.
        winners: who gives the agreed values, index cluster.
        rule: the rule that decided.
    """
    at = known & (taken.giver >= 0) & (taken.places != part.golden)
    if not at.any():
        return []
    clusters = winners.index[at]
    columns = {
        "before": part.text(part.golden[at], clusters),
        "after": part.text(taken.places[at], clusters),
        "winner": winners[at],
    }
    return [_rows(columns, part.name, rule)]


def overruled_rows(
    unit: Unit,
    part: Part,
    taken: Taken,
    claims: Bools,
    verdict: Verdict,
    who: Mapping[str, pd.Series],
    winners: pd.Series,
    capabilities: Capabilities,
) -> list[pd.DataFrame]:
    """Every value of a property that somebody set, or that was there before us, and that does not stay.

    Args:
        unit: what was decided.
        part: one of its properties.
        taken: what the property becomes.
        claims: whose values counted.
        verdict: the decision.
        who: per entity `entity/key` of the members.
        winners: who gives the agreed values, index cluster.
        capabilities: what the entities can take.
    """
    found = []
    for column, entity in enumerate(unit.entities):
        if not part.holds[column]:
            continue
        at, emptied = _overruled(unit, part, taken, claims, verdict, column, capabilities)
        if not at.any():
            continue
        clusters = winners.index[at]
        rule = unit.row.rule if part.row.claims(entity) else _one_way(part.row)
        rows = _rows(
            {
                "before": part.text(part.golden[at], clusters),
                "after": part.text(taken.places[at], clusters),
                "winner": winners[at],
                "loser": who[entity][at],
                "loser_value": part.text(part.current[at, column], clusters),
            },
            part.name,
            rule,
        )
        if not named(part.row.clear, entity):
            rows["rule"] = rows["rule"].mask(emptied[at], EMPTY)
        found.append(rows)
    return found


def _overruled(
    unit: Unit, part: Part, taken: Taken, claims: Bools, verdict: Verdict, column: int, capabilities: Capabilities
) -> tuple[Flags, Flags]:
    """Where a member's value does not stay, and where it was emptied in vain."""
    entity = unit.entities[column]
    current, base = part.forms[part.current[:, column]], part.forms[part.base[:, column]]
    filled = current >= 0
    # What was held without ever being agreed, because it does not count there, was not told before.
    set_there = filled & (unit.first_sight[:, column] | (current != base) | (part.golden_times == NEVER))
    emptied = ~filled & (base >= 0) & unit.changed[:, column]
    after = part.forms[taken.places]
    agreed = (after >= 0) | ((taken.at != NEVER) & bool(part.row.clear))
    overwritten = agreed & _written(part.row, entity, capabilities)
    claimed = claims[:, column] & part.row.claims(entity)
    concerned = unit.present[:, column] & unit.active[:, column] & ~verdict.disputed
    lost = ~(part.shows(column, taken.places) if taken.kept is None else taken.kept[:, column])
    return np.asarray(concerned & lost & (set_there | emptied) & (claimed | overwritten)), np.asarray(emptied)


def _written(row: Property, entity: str, capabilities: Capabilities) -> bool:
    """Whether the property is written in records of the entity that are there, by us or by a person for us."""
    capability = capabilities[entity]
    possible = capability.properties[row.members[entity].name].write == "always"
    return row.writes(entity) == "always" and (possible or capability.read_only is not None)


def _one_way(row: Property) -> str:
    return row.direction if row.direction != "both" else "claims"


def _rows(columns: Mapping[str, pd.Series], name: str, rule: str) -> pd.DataFrame:
    clusters = next(iter(columns.values())).index
    nothing = pd.Series(pd.NA, index=clusters, dtype="str")
    texts = {column: columns.get(column, nothing).array for column in HISTORY[2:-1]}
    constants = {"property": [name] * len(clusters), "rule": [rule] * len(clusters)}
    return pd.DataFrame({"cluster_id": clusters.to_numpy(), **constants, **texts}, columns=HISTORY)
