"""Lines inside documents: where each side of a case keeps them, and by what they are told apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from talk_assets_tests.scenarios.case import SYSTEMS, Case, NotExpressible, Values


@dataclass(frozen=True)
class LinesAt:
    """Where a side keeps the lines of its documents.

    Attributes:
        document: type of the documents.
        type: type of the lines; where they lie inside documents the other side's, or one made up.
        inside: name of the list within the document; None where lines are records of their own.
        key: property that tells the lines of a document apart.
    """

    document: str
    type: str
    inside: str | None
    key: str


def lines_of(case: Case) -> dict[str, LinesAt]:
    """Per side where lines are kept; empty when the case has none."""
    rule = case.rules.get("nested") or {}
    parsed = {str(place).split("/")[0]: (str(place), str(wish).split()) for place, wish in rule.items()}
    if any(len(words) != 3 or words[1] != "by" for _, words in parsed.values()):
        raise NotExpressible(f"nested: {rule}")
    documents = [place.split("/")[1] for place, _ in parsed.values() if "/" in place]
    apart = [words[0] for place, words in parsed.values() if "/" not in place]
    if parsed and not documents:
        raise NotExpressible(f"nested: no document type in {rule}")
    return {
        side: LinesAt(
            document=documents[0],
            type=apart[0] if apart else f"{documents[0]}_line",
            inside=words[0] if "/" in place else None,
            key=words[2],
        )
        for side, (place, words) in parsed.items()
        if side in SYSTEMS
    }


class LineNumbers:
    """The numbers of lines inside documents: their own where they have one, otherwise in the order of being seen."""

    def __init__(self) -> None:
        self._given: dict[str, dict[tuple[Any, int], int]] = {}

    def keys(self, document: str, lines: Sequence[Values], name: str) -> list[str]:
        """The key of each line of a document, of which the property `name` tells one from another."""
        seen: Counter[Any] = Counter()
        given = self._given.setdefault(document, {})
        found = []
        for line in lines:
            seen[line.get(name)] += 1
            own, nth = line.get(name), seen[line.get(name)]
            wanted = own if isinstance(own, int) and nth == 1 else max(given.values(), default=0) + 1
            found.append(f"{document}#{given.setdefault((own, nth), wanted)}")
        return found
