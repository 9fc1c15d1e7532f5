"""The flows as a picture: entities of Customerp at the left, those of Exact at the right, a line for each flow."""

from collections.abc import Sequence
from dataclasses import dataclass

from talk_assets.dataflow.content import SubjectPart

_WIDTH, _BOX, _HEIGHT, _STEP, _TOP = 900, 230, 34, 54, 50


@dataclass(frozen=True)
class Box:
    """An entity; `x`, `y`, `width` and `height` in pixels."""

    name: str
    x: int
    y: int
    width: int = _BOX
    height: int = _HEIGHT

    @property
    def middle(self) -> int:
        """Where lines meet it."""
        return self.y + self.height // 2


@dataclass(frozen=True)
class Line:
    """A flow from one entity to another."""

    name: str
    left: Box
    right: Box


@dataclass(frozen=True)
class Picture:
    """All entities and flows, and how large it is."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    width: int
    height: int


def picture_of(subjects: Sequence[SubjectPart]) -> Picture:
    """Lay the flows of documents and master data out; those of lines go with their documents."""
    flows = [flow for subject in subjects for flow in subject.flows]
    left = _column([flow.customerp for flow in flows], 0)
    right = _column([flow.exact for flow in flows], _WIDTH - _BOX)
    lines = [Line(flow.name, left[flow.customerp], right[flow.exact]) for flow in flows]
    rows = max(len(left), len(right), 1)
    return Picture([*left.values(), *right.values()], lines, _WIDTH, _TOP + rows * _STEP)


def _column(entities: Sequence[str], x: int) -> dict[str, Box]:
    return {name: Box(name, x, _TOP + place * _STEP) for place, name in enumerate(dict.fromkeys(entities))}
