"""A run of the checklist from beginning to end, on a throw-away sandbox or on the configured systems."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from talk_assets.errors import ConfigurationError
from talk_assets.installation import Installation, open_installation
from talk_assets.ledger.cursors import read_cursor
from talk_assets.mappings.load import load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.qa.books import Books
from talk_assets.qa.case import Case
from talk_assets.qa.cases import checklist
from talk_assets.qa.cleaning import Cleaner
from talk_assets.qa.hands import Hands
from talk_assets.qa.leftovers import left_before
from talk_assets.qa.play import MAKING, Play, Tell
from talk_assets.qa.result import Result, Row
from talk_assets.qa.samples import Mark
from talk_assets.qa.scope import NAMES
from talk_assets.qa.stock import Stock
from talk_assets.qa.syncs import Syncs
from talk_assets.settings import Settings
from talk_assets.systems.local import RELAXED, start_local_systems

# The sandbox has other people's records as well, but few: they are read in every run.
_FEW = {"customers": 4, "contacts": 4, "employees": 2, "products": 4, "quotes": 2, "orders": 2, "duplicates": 0}


@contextmanager
def throw_away(settings: Settings) -> Iterator[Installation]:
    """An installation on a sandbox and a ledger of its own, which are gone afterwards.

    Args:
        settings: whose mappings are played; nothing else of them is used.

    Raises:
        ConfigurationError: a mapping is wrong, or the sandbox does not start.
        LedgerError: the ledger does not start.
    """
    kept = {"talk_mappings": settings.talk_mappings, "talk_leave_out": settings.talk_leave_out}
    # Not below a folder of the user's: the embedded server opens up the folders above its own when root runs it.
    with tempfile.TemporaryDirectory(prefix="talk-qa-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={**_defaults(), **kept, "talk_home": Path(folder)})
        options = [f"--{name}={count}" for name, count in _FEW.items()]
        local = start_local_systems(own, (*RELAXED, *options))
        try:
            # Who opens the installation joins this one.
            local.settings(own)
            with open_installation(own) as installation:
                yield installation
        finally:
            local.stop()


def _defaults() -> dict[str, object]:
    return {name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()}


def confirm_live(settings: Settings, division: str | None) -> None:
    """Make sure that somebody means these systems.

    Args:
        settings: as configured.
        division: as named on the command line.

    Raises:
        ConfigurationError: no system is configured, or another division is meant.
    """
    if settings.sandbox:
        raise ConfigurationError("--live: no system is configured. Without --live a sandbox of its own is used.")
    if division is None:
        raise ConfigurationError("--live: name the test division, as in talk-assets qa --live --division 123456.")
    if str(settings.exact_division) != division:
        raise ConfigurationError(f"--division: {division} is named, and EXACT_DIVISION is {settings.exact_division}.")


@contextmanager
def played_on(settings: Settings, live_division: str | None) -> Iterator[Installation]:
    """The installation that the checklist is played on.

    Args:
        settings: as configured.
        live_division: the division that is named for the configured systems; None: a sandbox of its own.

    Raises:
        ConfigurationError: see `confirm_live` and `throw_away`; or the configured systems keep what is made in them.
        LedgerError: the ledger cannot be used.
    """
    if live_division is None:
        with throw_away(settings) as own:
            yield own
        return
    confirm_live(settings, live_division)
    with open_installation(settings) as configured:
        for reason in (capability.no_delete for capability in configured.capabilities.values()):
            if reason is not None:
                raise ConfigurationError(f"--live: what the checklist makes could not be removed again. {reason}")
        yield configured


def signed_off(settings: Settings, against: Path | None, installation: Installation) -> Mappings:
    """The mappings as they were signed off, without flows that the installation leaves out.

    Args:
        settings: tell which flows are left out.
        against: the folder; None: those that are shipped.
        installation: knows what the entities can take.

    Raises:
        ConfigurationError: the folder is none of mappings.
    """
    return load_mappings(against, installation.capabilities, settings.talk_leave_out)


def play(
    installation: Installation,
    mappings: Mappings,
    *,
    only: Sequence[str],
    live: bool,
    tell: Tell,
    mark: Mark | None = None,
) -> Result:
    """Play the checklist.

    Args:
        installation: whose systems it is played against, and whose mappings the syncs use.
        mappings: as signed off.
        only: names of flows; none for all.
        live: whether others work with these systems: what was made is removed again.
        tell: called as it goes on.
        mark: of the records; by default a new one.

    Raises:
        ConfigurationError: there is no such flow.
        TalkError: a system does not answer, or a sync cannot be run. What was made was removed as far as possible;
            what is still there is among the error's notes.
    """
    started, mark = time.monotonic(), mark or Mark()
    cases = checklist(mappings, installation.capabilities, mark, only)
    syncs = Syncs(installation, _subjects(mappings, installation, cases))
    # A mapping that was changed since may leave out what the document names: it is read all the same.
    with replace(installation, mappings=mappings).systems() as systems:
        hands, stock = Hands(systems), Stock(mark)
        if live:
            syncs.run(lambda what: tell(MAKING, 0, len(cases), what))
        books = Books(systems, installation.capabilities, _entities(mappings, syncs.subjects))
        books.cursors |= _cursors(installation, books.entities) if live else {}
        left = left_before(installation) if live else []
        try:
            rows = Play(installation, cases, hands, stock, books, syncs, tell).run()
        except BaseException as error:
            # Whatever ends the run, Ctrl-C too: nothing stays in the systems unless it is named.
            if live:
                _clean(Cleaner(installation, mappings, hands, syncs, stock.places), tell, mark, error)
            raise
        if live:
            left += _clean(Cleaner(installation, mappings, hands, syncs, stock.places), tell, mark)
        calls = {name: system.calls + syncs.calls[name] for name, system in systems.items()}
    return Result(
        run=mark.run,
        systems=_told(installation, live=live),
        seconds=round(time.monotonic() - started, 1),
        syncs=len(syncs.runs),
        calls=calls,
        rows=rows,
        left=left,
        remarks=_remarks(installation, mappings, syncs, rows),
    )


def _clean(cleaner: Cleaner, tell: Tell, mark: Mark, stopped: BaseException | None = None) -> list[str]:
    """Remove what was made; what stopped the run, or the cleaning, is given what is still there as notes."""
    try:
        left = cleaner.clean(tell)
    except BaseException as error:
        # A second Ctrl-C ends the cleaning; it is told what that leaves.
        error.add_note(f"Cleaning up was stopped as well: records that begin with {mark.text} may be in both systems.")
        raise
    if stopped is not None:
        for text in left:
            stopped.add_note(text)
    return left


def _subjects(mappings: Mappings, installation: Installation, cases: Sequence[Case]) -> list[str]:
    """The subjects of the rows, and those that they refer to, in the order of dependence."""
    wanted = {(case.scope.document or case.scope).subject.subject for case in cases}
    for known in (mappings, installation.mappings):
        for name in reversed(list(known.subjects)):
            if name in wanted:
                subject = known.subjects[name]
                rows = [*subject.properties.values(), *(subject.lines.properties.values() if subject.lines else ())]
                wanted |= {row.to for row in rows if row.to is not None}
    return [name for name in installation.mappings.subjects if name in wanted]


def _entities(mappings: Mappings, subjects: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(entity for name in subjects for entity in mappings.subjects[name].entities))


def _cursors(installation: Installation, entities: Sequence[str]) -> dict[str, str]:
    """Where syncs go on reading: what changes from now on comes after it."""
    feeds = [*entities, *(f"{system}.deletions" for system in NAMES)]
    with installation.ledger.begin() as connection:
        found = {feed: read_cursor(connection, installation.division, feed) for feed in feeds}
    return {feed: value for feed, value in found.items() if value is not None}


def _told(installation: Installation, *, live: bool) -> str:
    settings = installation.settings
    if not live:
        return "a sandbox of its own"
    return f"{settings.customerp_url} and {settings.exact_url}, division {settings.exact_division}"


def _remarks(installation: Installation, mappings: Mappings, syncs: Syncs, rows: Sequence[Row]) -> list[str]:
    found = [f"A guard stands: {sentence}" for sentence in syncs.stopped()]
    configured = {
        f"{name}.{each}" for name, subject in installation.mappings.subjects.items() for each in subject.properties
    }
    known = {f"{name}.{each}" for name, subject in mappings.subjects.items() for each in subject.properties}
    if rows and configured - known:
        more = ", ".join(sorted(configured - known))
        found.append(f"The configured mappings have properties that were not signed off and are not played: {more}.")
    return found
