"""An installation in use: settings, mappings, the ledger and both systems, opened together and closed together."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from talk_assets.connection import credentials_of, open_ledger_and_sandbox, site_of, token_store
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.denied import heed_login
from talk_assets.cycle.generations import heed_generations
from talk_assets.cycle.renew import read_from_the_beginning, renew
from talk_assets.declared import load_declared
from talk_assets.errors import ConfigurationError
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.ledger.cursors import read_cursor, store_cursor
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.failed_calls import FailedCallStore
from talk_assets.ledger.locks import division_lock
from talk_assets.ledger.notes import DONE, last_run, start_run
from talk_assets.ledger.origin import confirm_origin, remember_origin
from talk_assets.ledger.retention import forget
from talk_assets.ledger.views import create_views
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.onboarding.gate import confirm, is_confirmed
from talk_assets.openlineage.told import told
from talk_assets.settings import Settings
from talk_assets.systems.base import Watched
from talk_assets.systems.clock import REAL_TIME, Clock
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.profile_file import load_profile
from talk_assets.systems.customerp.system import CustomerpSystem
from talk_assets.systems.exact.failed_calls import ErrorBudget
from talk_assets.systems.exact.governor import Governor
from talk_assets.systems.exact.system import ExactSystem

T = TypeVar("T")

# How long a run waits for another one of the same division before it leaves.
WAIT_SECONDS = 30.0
# The name under which it is kept for which systems the credentials were found good.
CHECKED = "checked"
SYSTEMS = ("customerp", "exact")


@dataclass(frozen=True)
class Installation:
    """What commands and runs work with.

    Attributes:
        settings: complete, also when the sandbox is used.
        sandbox: whether no system was configured and the sandbox is used.
        mappings: what is synchronised.
        capabilities: what the entities can take.
        ledger: the state.
        clock: by which limits of calls and lives of tokens are measured.
    """

    settings: Settings
    sandbox: bool
    mappings: Mappings
    capabilities: Capabilities
    ledger: Ledger
    clock: Clock = REAL_TIME

    @property
    def division(self) -> str:
        """Key of the division under which everything is stored."""
        return str(self.settings.exact_division)

    @contextmanager
    def systems(self) -> Iterator[dict[str, Watched]]:
        """Connect the systems to ask something of them beside a run, which nothing is written by.

        Raises:
            ConfigurationError: a setting or the connector profile is wrong.
        """
        with self._systems(load_profile(self.settings.customerp_profile)) as systems:
            yield systems

    @contextmanager
    def _systems(self, profile: Profile) -> Iterator[dict[str, Watched]]:
        """Make a connector for each system; nothing is sent yet."""
        settings = self.settings
        wanted = {
            entity: self.mappings.wanted(entity) for entity in self.capabilities if _mapped(self.mappings, entity)
        }
        with ExitStack() as stack:
            customerp = CustomerpSystem(
                _given(settings.customerp_url, "CUSTOMERP_URL"),
                _given(settings.customerp_token, "CUSTOMERP_TOKEN").get_secret_value(),
                profile,
                self.capabilities,
                wanted,
                timeout=settings.talk_answer_seconds,
            )
            stack.callback(customerp.close)
            exact = ExactSystem(
                site_of(settings),
                _given(settings.exact_division, "EXACT_DIVISION"),
                credentials_of(settings),
                token_store(self.ledger, settings, sandbox=self.sandbox),
                self.capabilities,
                wanted,
                governor=Governor(
                    self.clock.now,
                    CallBudgetStore(self.ledger, self.division),
                    ErrorBudget(FailedCallStore(self.ledger, self.division), self.clock.now),
                ),
                timeout=settings.talk_answer_seconds,
                now=self.clock.now,
                sleep=self.clock.sleep,
            )
            stack.callback(exact.close)
            yield {"customerp": customerp, "exact": exact}

    @contextmanager
    def cycle(
        self,
        run_id: str,
        *,
        preview: bool = False,
        moved: bool = False,
        rescan: bool = False,
        wait_seconds: float | None = None,
    ) -> Iterator[Cycle]:
        """Begin a run over the division: lock it, connect the systems, and note the run.

        Args:
            run_id: id of the run, as history names it.
            preview: whether everything is computed, and nothing that is stored stays.
            moved: whether a system is known to have another address now.
            rescan: whether every feed is read from the beginning.
            wait_seconds: how long to wait for another run of the division; by default half a minute.

        Raises:
            ConfigurationError: a system is not the one that the ledger was filled from.
            LedgerError: another run of the division holds the lock.
            AccessDenied: a system refuses the credentials; the sentence names the setting.
            SystemUnavailable: a system does not answer at its address.
            UnexpectedAnswer: something else answers there.
        """
        employer, addresses = self.settings.exact_employer_account, self._addresses()
        patience = WAIT_SECONDS if wait_seconds is None else wait_seconds
        with ExitStack() as stack:
            lock = stack.enter_context(division_lock(self.ledger, self.division, patience, run_id))
            profile = load_profile(self.settings.customerp_profile)
            if not preview:
                telling = (self.settings, self.ledger, self.mappings, self.capabilities, self.division, run_id)
                stack.enter_context(told(*telling, {system: addresses[f"{system.upper()}_URL"] for system in SYSTEMS}))
            systems = stack.enter_context(self._systems(profile))
            ledger = stack.enter_context(self.ledger.preview()) if preview else self.ledger.guarded(lock.confirm)
            self._begin(ledger, systems, run_id, moved=moved)
            cycle = Cycle(
                division=self.division,
                run_id=run_id,
                ledger=ledger,
                mappings=self.mappings,
                capabilities=self.capabilities,
                systems=systems,
                defaults={} if employer is None else {"exact_employer_account": f"exact.accounts/{employer}"},
                still_locked=lock.confirm,
            )
            heed_login(ledger, self.division, self._fingerprint(), run_id)
            renew(cycle, profile.model_dump_json())
            heed_generations(cycle, self.clock.now())
            if rescan:
                read_from_the_beginning(cycle)
            yield cycle
            if self.settings.talk_history_days is not None and not preview:
                forget(ledger, self.division, run_id, self.settings.talk_history_days)

    @contextmanager
    def round(
        self,
        run_id: str,
        *,
        preview: bool = False,
        moved: bool = False,
        rescan: bool = False,
        confirmed_by: str | None = None,
        wait_seconds: float | None = None,
    ) -> Iterator[Cycle]:
        """Begin a run as commands and jobs do: a preview, until a person has confirmed that real systems are written.

        Args:
            run_id: see `cycle`.
            preview: see `cycle`.
            moved: see `cycle`.
            rescan: see `cycle`.
            confirmed_by: who confirms now that the systems are written; that is kept, and not asked again.
            wait_seconds: see `cycle`.

        Raises:
            TalkError: see `cycle`.
        """
        open_to_writes = self.sandbox or is_confirmed(self.ledger, self.division)
        unasked = not open_to_writes and confirmed_by is None
        asked = preview or unasked
        with self.cycle(run_id, preview=asked, moved=moved, rescan=rescan, wait_seconds=wait_seconds) as cycle:
            if not open_to_writes and not cycle.preview and confirmed_by is not None:
                confirm(cycle.ledger, self.division, run_id, confirmed_by)
            yield cycle

    def _addresses(self) -> dict[str, str]:
        """Where each system is; the sandbox is the same one wherever it listens."""
        if self.sandbox:
            return {"CUSTOMERP_URL": "sandbox", "EXACT_URL": "sandbox"}
        return {"CUSTOMERP_URL": str(self.settings.customerp_url), "EXACT_URL": str(self.settings.exact_url)}

    def _begin(self, ledger: Ledger, systems: Mapping[str, Watched], run_id: str, *, moved: bool) -> None:
        """Make sure that both systems are those of the ledger and know us, and note the run."""
        if not moved:
            with ledger.begin() as connection:
                confirm_origin(connection, self.division, self._addresses())
        self._check(ledger, systems, run_id)
        with ledger.begin() as connection:
            remember_origin(connection, self.division, self._addresses(), run_id)
            start_run(connection, self.division, run_id)

    def _check(self, ledger: Ledger, systems: Mapping[str, Watched], run_id: str) -> None:
        """Ask both systems whether they know us, unless the last run shows that they do: questions cost calls."""
        with ledger.begin() as connection:
            checked = read_cursor(connection, self.division, CHECKED)
            last = last_run(connection, self.division)
        if checked == self._fingerprint() and last is not None and last["outcome"] == DONE:
            return
        for system in systems.values():
            system.check()
        with ledger.begin() as connection:
            store_cursor(connection, self.division, CHECKED, self._fingerprint(), run_id)

    def _fingerprint(self) -> str:
        """Tells the configured systems apart without revealing anything of them."""
        settings = self.settings
        parts = [
            settings.customerp_url,
            settings.customerp_profile,
            settings.exact_url,
            settings.exact_division,
            settings.exact_client_id,
        ]
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _mapped(mappings: Mappings, entity: str) -> bool:
    subjects = [s for subject in mappings.subjects.values() for s in (subject, subject.lines) if s is not None]
    return any(entity in subject.entities for subject in subjects)


def _given(value: T | None, name: str) -> T:
    if value is None:
        raise ConfigurationError(f"{name} is not set.")
    return value


@contextmanager
def open_installation(settings: Settings, clock: Clock = REAL_TIME) -> Iterator[Installation]:
    """Read the mappings, open the ledger and, with no system configured, start the sandbox.

    Args:
        settings: as configured.
        clock: see `Installation`.

    Raises:
        ConfigurationError: a setting or a mapping is wrong.
        LedgerError: the ledger cannot be used.
    """
    mappings, capabilities = load_declared(settings)
    with open_ledger_and_sandbox(settings) as (ledger, completed):
        # While the sandbox starts.
        with ledger.begin() as connection:
            create_views(connection, mappings)
        yield Installation(completed(), settings.sandbox, mappings, capabilities, ledger, clock)
