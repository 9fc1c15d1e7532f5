"""After a run on live systems: everything that the checklist made is removed again, in both systems."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from talk_assets.errors import RecordGone, SystemFault, TalkError
from talk_assets.installation import Installation
from talk_assets.ledger.records import count_live
from talk_assets.mappings.model import Mappings
from talk_assets.qa.hands import Hands, Refused
from talk_assets.qa.links import Place, read_links
from talk_assets.qa.scope import system_of
from talk_assets.qa.syncs import Syncs

Tell = Callable[[str, int, int, str], None]
REMOVING = "Remove"
# Of what a guard lets through in a run, the share that is taken up: others remove records meanwhile.
_SHARE = 0.8


@dataclass
class Cleaner:
    """Removes records by their keys.

    Attributes:
        installation: whose ledger tells what syncs of the checklist created.
        mappings: as signed off.
        hands: remember what was made, and remove it.
        syncs: take note of it, a few records at a time, as guards allow.
        referred: records that others refer to: they are removed last.
    """

    installation: Installation
    mappings: Mappings
    hands: Hands
    syncs: Syncs
    referred: Sequence[Place]

    def clean(self, tell: Tell) -> list[str]:
        """Remove everything; `entity/key: reason` of what is still there, and why a sync could not take note."""
        waiting, last = self._clusters()
        total, done = sum(map(len, [*waiting, *last])), 0
        left: list[str] = []
        while waiting or last:
            batch, waiting = self._batch(waiting)
            if not waiting and last:
                batch, last = [*batch, *(place for places in last for place in places)], []
            for place in batch:
                tell(REMOVING, done, total, place[0])
                left += self._remove(place)
                done += 1
            left += self._synced(tell, done, total)
        tell(REMOVING, total, total, "")
        return left

    def _synced(self, tell: Tell, done: int, total: int) -> list[str]:
        """Have a sync take note; what it says where it cannot. Removing goes on all the same."""
        try:
            self.syncs.run(lambda what: tell(REMOVING, done, total, what))
        except TalkError as error:
            return [f"A sync while cleaning up: {error}"]
        return []

    def _clusters(self) -> tuple[list[list[Place]], list[list[Place]]]:
        """What was made and what syncs created of it, what belongs together as one; then what others refer to.

        The latest come first: what refers to a record was made after it.
        """
        at = self.installation
        links = read_links(at.ledger, at.division, self.hands.made, self.syncs.runs)
        ours = dict.fromkeys([*reversed(self.hands.made), *sorted(links.inserted)])
        found: dict[object, list[Place]] = {}
        for place in ours:
            if place[0] in self.mappings.entities:
                found.setdefault(links.clusters.get(place, place), []).append(place)
        referred = set(self.referred)
        usual = [places for places in found.values() if not referred & set(places)]
        return usual, [places for places in found.values() if referred & set(places)]

    def _batch(self, clusters: Sequence[list[Place]]) -> tuple[list[Place], list[list[Place]]]:
        """So many records that no guard takes them for an accident, and the clusters that are left for later.

        What belongs together goes at once: otherwise a sync might create the counterpart again.
        """
        counted: Counter[str] = Counter()
        limits: dict[str, int] = {}
        batch: list[Place] = []
        later: list[list[Place]] = []
        for places in clusters:
            mine = Counter(entity for entity, _ in places)
            for entity in mine:
                limits.setdefault(entity, self._limit(entity))
            if batch and any(counted[entity] + count > limits[entity] for entity, count in mine.items()):
                later.append(places)
                continue
            batch += places
            counted += mine
        return batch, later

    def _limit(self, entity: str) -> int:
        at = self.installation
        if entity not in at.mappings.entities:
            return 1
        with at.ledger.begin() as connection:
            known = count_live(connection, at.division, entity)
        return int(at.mappings.subject_of(entity).guards_of(entity).most_missing(known) * _SHARE)

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
