"""After a run on live systems: everything that the checklist made is removed again, in both systems."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talk_assets.errors import RecordGone, SystemFault
from talk_assets.installation import Installation
from talk_assets.ledger.records import count_live
from talk_assets.mappings.model import Mappings
from talk_assets.qa.hands import Hands, Refused
from talk_assets.qa.links import Place, read_links
from talk_assets.qa.scope import system_of
from talk_assets.qa.syncs import Syncs

Tell = Callable[[str, int, int, str], None]
REMOVING = "Remove"


@dataclass
class Cleaner:
    """Removes records by their keys.

    Attributes:
        installation: whose ledger tells what syncs of the checklist created.
        mappings: in whose order of dependence records are removed, the last first.
        hands: remember what was made, and remove it.
        syncs: take note of it, a few records at a time, as guards allow.
    """

    installation: Installation
    mappings: Mappings
    hands: Hands
    syncs: Syncs

    def clean(self, tell: Tell) -> list[str]:
        """Remove everything; `entity/key: reason` of what is still there.

        Raises:
            TalkError: a sync cannot be run.
        """
        clusters = self._clusters()
        total = sum(map(len, clusters))
        left: list[str] = []
        done = 0
        for batch in self._batches(clusters):
            for place in batch:
                tell(REMOVING, done, total, f"{place[0]}")
                left += self._remove(place)
                done += 1
            self._sync(tell, done, total)
        tell(REMOVING, total, total, "")
        return left

    def _sync(self, tell: Tell, done: int, total: int) -> None:
        self.syncs.run(lambda what: tell(REMOVING, done, total, what))

    def _clusters(self) -> list[list[Place]]:
        """What was made and what syncs created of it; what belongs together is removed between two syncs."""
        at = self.installation
        links = read_links(at.ledger, at.division, self.hands.made, self.syncs.runs)
        ours = dict.fromkeys([*self.hands.made, *sorted(links.inserted)])
        found: dict[object, list[Place]] = {}
        for place in ours:
            if place[0] in self.mappings.entities:
                found.setdefault(links.clusters.get(place, place), []).append(place)
        return sorted(found.values(), key=lambda places: -max(self._rank(entity) for entity, _ in places))

    def _rank(self, entity: str) -> int:
        return list(self.mappings.subjects).index(self.mappings.subject_of(entity).subject)

    def _batches(self, clusters: Sequence[list[Place]]) -> list[list[Place]]:
        """Few enough at a time that no guard takes them for an accident."""
        batches: list[list[Place]] = []
        counted: Counter[str] = Counter()
        limits: dict[str, int] = {}
        rank = -1
        for places in clusters:
            entities = [entity for entity, _ in places]
            for entity in entities:
                limits.setdefault(entity, self._limit(entity))
            # What refers to a record has to be gone before it.
            own = max(map(self._rank, entities))
            full = any(counted[entity] + entities.count(entity) > limits[entity] for entity in entities)
            if not batches or full or own != rank:
                batches.append([])
                counted = Counter()
                rank = own
            batches[-1] += places
            counted.update(entities)
        return batches

    def _limit(self, entity: str) -> int:
        at = self.installation
        with at.ledger.begin() as connection:
            known = count_live(connection, at.division, entity)
        # The known ones grow fewer with every batch.
        remaining = max(0, known - len(self.hands.made))
        return at.mappings.subject_of(entity).guards_of(entity).most_missing(remaining)

    def _remove(self, place: Place) -> list[str]:
        entity, key = place
        try:
            self.hands.delete(entity, key)
        except RecordGone:
            return []
        except (Refused, SystemFault) as error:
            return [f"{entity}/{key}: {error}"] if self._is_there(entity, key) else []
        return []

    def _is_there(self, entity: str, key: str) -> bool:
        try:
            return bool(self.hands.systems[system_of(entity)].find(entity, [key]).records)
        except SystemFault:
            # Better named once too often.
            return True
