"""Follow one column up to the systems that it comes from, or down to what it becomes."""

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from talk_assets.errors import ConfigurationError
from talk_assets.lineage.derive import ColumnLineage, Origin

_SUGGESTED = 3


class Place(NamedTuple):
    """A column of an asset."""

    asset: str
    column: str

    @property
    def name(self) -> str:
        """The column as people write it."""
        return f"{self.asset}.{self.column}"


@dataclass(frozen=True)
class Node:
    """A column on the way, and how it is reached from the one before it.

    Attributes:
        place: the column.
        taken: whether values are taken from there, or go there; otherwise the way ends here.
        how: what happens to the value on that step.
        next: what comes after it.
        told: whether what comes after it was told at an earlier node.
    """

    place: Place
    taken: bool = True
    how: str = ""
    next: list["Node"] = field(default_factory=list)
    told: bool = False


def find_column(lineage: ColumnLineage, text: str) -> Place:
    """The column that somebody calls `asset.column`, in any spelling.

    Raises:
        ConfigurationError: there is no such column; the sentence names what may be meant.
    """
    places = {Place(asset, column).name.lower(): Place(asset, column) for asset in lineage for column in lineage[asset]}
    wanted = text.strip().lower()
    if wanted in places:
        return places[wanted]
    asset = next((each for each in lineage if each == wanted), None)
    if asset is not None:
        raise ConfigurationError(f"{text}: name a column of it too: {', '.join(lineage[asset])}.")
    close = [places[each] for each in difflib.get_close_matches(wanted, places, _SUGGESTED, 0.6)]
    if not close:
        tail = wanted.partition(".")[2] or wanted
        close = [place for place in places.values() if place.column.lower() == tail][:_SUGGESTED]
    if close:
        *first, last = (place.name for place in close)
        meant = f"{', '.join(first)} or {last}" if first else last
        raise ConfigurationError(f"{text}: there is no such column; did you mean {meant}?")
    some = ", ".join(dict.fromkeys(f"{each.partition('/')[0]}/..." for each in lineage))
    raise ConfigurationError(
        f"{text}: there is no such column; write asset.column, as merged/organisation.name, where assets are {some} as "
        f"Dagit shows them."
    )


def walk_up(lineage: ColumnLineage, start: Place) -> Node:
    """What a column comes from, back to the systems."""
    return _walk(Node(start), lambda place: iter(lineage[place.asset][place.column]), set())


def walk_down(lineage: ColumnLineage, start: Place) -> Node:
    """What becomes of a column, to what is written."""
    goes = becoming(lineage)
    return _walk(Node(start), lambda place: iter(goes.get(place, ())), set())


def becoming(lineage: ColumnLineage) -> dict[Place, list[Origin]]:
    """The lineage turned round: column to those that come from it."""
    found: dict[Place, list[Origin]] = {}
    for asset, columns in lineage.items():
        for column, origins in columns.items():
            for origin in origins:
                place = Place(origin.asset, origin.column)
                found.setdefault(place, []).append(Origin(asset, column, origin.taken, origin.how))
    return found


def steps(node: Node) -> Iterator[tuple[Place, Node]]:
    """Every step of a walk once: where it starts, and where it leads."""
    for after in node.next:
        yield node.place, after
        yield from steps(after)


def _walk(node: Node, following: Callable[[Place], Iterator[Origin]], seen: set[Place]) -> Node:
    seen.add(node.place)
    for asset, column, taken, how in following(node.place):
        place = Place(asset, column)
        after = Node(place, taken, how, told=taken and place in seen)
        node.next.append(after)
        if taken and not after.told:
            _walk(after, following, seen)
    return node
