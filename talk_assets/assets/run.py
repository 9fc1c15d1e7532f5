"""What the assets of one run share: the cycle, and somebody who wants to know how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import cached_property

import dagster as dg

from talk_assets.assets.divisions import PATIENCE, settings_of
from talk_assets.assets.masking import People
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.deliver import Delivered
from talk_assets.cycle.report import finish, summary
from talk_assets.errors import LedgerLost, SystemUnavailable, TalkError
from talk_assets.event_log import event_log_held_open
from talk_assets.installation import open_installation
from talk_assets.onboarding.report import Report
from talk_assets.orders.desk import current_user
from talk_assets.settings import load_settings

# Seconds; a step that could only go on later is not begun again in the same run.
_SOON = 60
# Called with a stage (feeds, pairs, merged, writes), what was done in it, how much of that is done and there is to do.
Listener = Callable[[str, str, int, int], None]


def _nobody(_stage: str, _name: str, _done: int, _total: int) -> None:
    return None


class TalkRun:
    """One run.

    Args:
        begin: opens the cycle, when the first step needs it: Dagster also makes resources that no step uses.
        tell: called as steps are done.
        people: what is shown of values that are about people.

    Attributes:
        tell: called as steps are done.
        people: what is shown of values that are about people.
        delivered: what was written, or in a preview would be, entity by entity.
        passed: stage and name of the steps that came through.
        stopped: of those that did not, with the error where it was one of ours.
        onboarding: what a preview found out; None before its last step, and in a run that writes.
        rows: how many records of each entity the ledger knew when it was read.
        lost: why nothing more can be stored, once that is so; the steps that follow are told the same at once.
    """

    def __init__(self, begin: Callable[[], Cycle], tell: Listener = _nobody, people: People | None = None) -> None:
        self._begin = begin
        self._cycle: Cycle | None = None
        self._refused: TalkError | None = None
        self.tell = tell
        self.people = people or People()
        self.delivered: list[Delivered] = []
        self.rows: dict[str, int] = {}
        self.passed: set[tuple[str, str]] = set()
        self.stopped: dict[tuple[str, str], TalkError | None] = {}
        self.onboarding: Report | None = None
        self.lost: LedgerLost | None = None

    @cached_property
    def debt_limit(self) -> timedelta:
        """How long something may stay owed."""
        return timedelta(hours=load_settings(()).talk_alert_debt_hours)

    @property
    def begun(self) -> bool:
        """Whether any step has run."""
        return self._cycle is not None

    @property
    def cycle(self) -> Cycle:
        """What the steps work with.

        Raises:
            TalkError: the run cannot begin; every step is told the same at once.
        """
        refused = self.lost or self._refused
        if refused is not None:
            raise refused
        if self._cycle is None:
            try:
                self._cycle = self._begin()
            except TalkError as error:
                self._refused = error
                raise
        return self._cycle

    @property
    def hindrance(self) -> TalkError | None:
        """Why nothing at all could be read of a system, so that there was nothing to work with; None when there was."""
        read = {name.partition(".")[0] for stage, name in self.passed if stage == "feeds"}
        for (stage, name), error in self.stopped.items():
            if stage == "feeds" and name.partition(".")[0] not in read:
                return error
        return None

    @contextmanager
    def step(self, stage: str, name: str) -> Iterator[None]:
        """Run a step; what stops it becomes a failure whose text is the error's one sentence.

        Raises:
            Failure: without retries where only a person can help.
        """
        # What stops a step unforeseen leaves it here without an error of ours; a step that is repeated takes it out.
        self.stopped[stage, name] = None
        try:
            yield
        except TalkError as error:
            self.stopped[stage, name] = error
            if isinstance(error, LedgerLost):
                self.lost = error
            passing = isinstance(error, SystemUnavailable) and (error.retry_after or 0) <= _SOON
            raise dg.Failure(description=str(error), allow_retries=passing) from None
        del self.stopped[stage, name]
        self.passed.add((stage, name))
        self.tell(stage, name, 1, 1)


@dg.resource(
    config_schema={
        "preview": dg.Field(
            bool, default_value=False, description="Compute and show what would be written; store and write nothing."
        ),
        "rescan": dg.Field(
            bool,
            default_value=False,
            description="Read every feed from the beginning, and so find what no list of changes told.",
        ),
        "confirm": dg.Field(
            bool,
            default_value=False,
            description=(
                "Start writing to the configured systems. Until somebody has said so once, here or with `talk-assets "
                "sync --confirm`, every run is a preview."
            ),
        ),
    },
    description="The installation: settings, ledger and both systems, locked to this run for its division.",
)
@contextmanager
def talk_resource(context: dg.InitResourceContext) -> Iterator[TalkRun]:
    """Open the installation for a run that Dagster started."""
    run_id = context.run.run_id if context.run is not None else "outside a run"
    preview, confirm, rescan = (bool(context.resource_config[name]) for name in ("preview", "confirm", "rescan"))
    started = time.monotonic()
    with ExitStack() as stack:
        if context.instance is not None:
            stack.enter_context(event_log_held_open(context.instance))

        def begin() -> Cycle:
            settings = settings_of(context.run)
            run.people = People(settings.talk_show_personal)
            if settings.sandbox and context.log is not None:
                context.log.info(
                    f"No system is configured: using the sandbox, with its state under {settings.talk_home}."
                )
            installation = stack.enter_context(open_installation(settings))
            cycle = stack.enter_context(
                installation.round(
                    run_id,
                    preview=preview,
                    rescan=rescan,
                    confirmed_by=current_user() if confirm else None,
                    wait_seconds=PATIENCE,
                )
            )
            if cycle.preview and not preview and context.log is not None:
                context.log.warning(
                    "Nobody has confirmed the first sync of this installation yet, so this run is a preview: nothing "
                    "is written or stored. What it would do is at the asset reports/onboarding. To start writing, run "
                    "the job with resources.talk.config.confirm: true, or talk-assets sync --confirm."
                )
            return cycle

        run = TalkRun(begin)
        yield run
        if run.begun and run.lost is None:
            finish(run.cycle, summary(run.cycle, time.monotonic() - started), complete=not run.stopped)
