"""Syncs as every installation runs them, of the subjects that the checklist is about."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import confirm, deliver
from talk_assets.cycle.match import match
from talk_assets.cycle.merge import merge
from talk_assets.cycle.poll import poll, poll_deletions
from talk_assets.cycle.report import finish, note_writes, summary
from talk_assets.errors import ConfigurationError
from talk_assets.installation import Installation
from talk_assets.ledger import guards

Tell = Callable[[str], None]
# How long another run of the division is waited for, such as one that a sensor began.
PATIENCE = 600.0


@dataclass
class Syncs:
    """Runs syncs.

    Attributes:
        installation: with the mappings that are configured.
        subjects: those that take part.
        runs: ids of the runs so far.
        calls: system to the calls that they sent.
    """

    installation: Installation
    subjects: Sequence[str]
    runs: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def run(self, tell: Tell) -> None:
        """Run one sync.

        Args:
            tell: called with what is being done.

        Raises:
            ConfigurationError: nobody has confirmed yet that these systems are written.
            TalkError: it cannot be run.
        """
        run_id, started = str(uuid.uuid4()), time.monotonic()
        self.runs.append(run_id)
        with self.installation.round(run_id, wait_seconds=PATIENCE) as cycle:
            if cycle.preview:
                raise ConfigurationError(
                    "Nobody has confirmed the first sync of this installation yet, so nothing can be played. Look at "
                    "what it would do with `talk-assets onboard`, and start with `talk-assets sync --confirm`."
                )
            try:
                self._cycle(cycle, tell)
            finally:
                self.calls.update({name: system.calls for name, system in cycle.systems.items()})
            finish(cycle, summary(cycle, time.monotonic() - started), complete=True)

    def _cycle(self, cycle: Cycle, tell: Tell) -> None:
        chosen = {name: subject for name, subject in cycle.mappings.subjects.items() if name in self.subjects}
        entities = [each for each in cycle.mappings.entities if any(each in s.entities for s in chosen.values())]
        tell("reading both systems")
        for system in cycle.systems:
            poll_deletions(cycle, system)
        for entity in entities:
            poll(cycle, entity)
        for name, subject in chosen.items():
            tell(f"matching and merging {name}")
            for flow in subject.flows:
                match(cycle, flow)
            merge(cycle, name)
        for system in ("exact", "customerp"):
            for entity in (each for subject in chosen.values() for each in subject.entities):
                if entity.startswith(system):
                    tell(f"writing {entity}")
                    done = deliver(cycle, entity, lambda name, at, of: tell(f"writing {name} {at}/{of}"))
                    note_writes(cycle, done)
                    if done.created or done.updated or done.deleted or done.failed:
                        confirm(cycle, entity)

    def stopped(self) -> list[str]:
        """Guards that stand, each a sentence: what they stopped is not the checklist's doing alone."""
        at = self.installation
        with at.ledger.begin() as connection:
            found = guards.waiting(connection, at.division)
        return [f"{row['entity']}: {row['reason']}" for row in found.to_dict("records")]
