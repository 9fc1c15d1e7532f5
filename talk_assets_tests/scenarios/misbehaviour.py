"""What a side of a scenario does instead of what it should."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_assets_tests.scenarios.case import Values


@dataclass
class Fault:
    """Calls that fail: by operation and type, and by id or content where those are named."""

    operation: str
    type: str | None
    id: str | None
    match: Values
    permanent: bool
    left: float


@dataclass
class Feed:
    """What a feed answers instead of what there is."""

    returns: Any = "normal"
    changes_only: bool = False
    omits: tuple[str, ...] = ()
    lookup: Mapping[str, str] = field(default_factory=dict)
