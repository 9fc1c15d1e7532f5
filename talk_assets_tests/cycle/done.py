"""What a sync of a test's world did."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from talk_assets.cycle.collect import Collected
from talk_assets.cycle.deliver import Delivered
from talk_assets.cycle.match import Matched
from talk_assets.cycle.merge import Merged

Values = dict[str, Any]


@dataclass
class Report:
    """What a sync did.

    Attributes:
        collected: result per entity of the first reading.
        matched: result per flow.
        merged: results per subject and line subject.
        delivered: result per entity.
        calls: calls per system and `METHOD path`, as the systems counted them.
        needed: calls per system that it could not do without.
    """

    collected: dict[str, Collected] = field(default_factory=dict)
    matched: dict[str, Matched] = field(default_factory=dict)
    merged: dict[str, Merged] = field(default_factory=dict)
    delivered: dict[str, Delivered] = field(default_factory=dict)
    calls: dict[str, Counter[str]] = field(default_factory=dict)
    needed: Counter[str] = field(default_factory=Counter)

    @property
    def writes(self) -> list[Values]:
        """Every write tried, or planned in a preview."""
        return [write for done in self.delivered.values() for write in done.writes]

    @property
    def write_calls(self) -> Counter[str]:
        """Calls that change something, over both systems."""
        every = sum(self.calls.values(), Counter())
        return Counter({call: count for call, count in every.items() if not call.startswith("GET")})
