"""What a comparison works with."""

from collections.abc import Mapping
from dataclasses import dataclass

from talk_assets.ledger.database import Ledger
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.systems.base import Watched


@dataclass(frozen=True)
class Both:
    """Both systems, and what is known of them.

    Attributes:
        ledger: the state.
        division: under which it is stored.
        mappings: what is synchronised.
        capabilities: what the entities can take.
        systems: `customerp` and `exact`, connected beside a run.
    """

    ledger: Ledger
    division: str
    mappings: Mappings
    capabilities: Capabilities
    systems: Mapping[str, Watched]
