"""Sensors: they ask the systems for news and the ledger for what waits, and start the smallest run that it needs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg
import pandas as pd

from talk_assets.assets.divisions import BY_COMMAND, DIVISION, Division
from talk_assets.assets.keys import deletions_key, feed_key, sink_key
from talk_assets.automation.agenda import Agenda, wait_after
from talk_assets.automation.changes import ask, exact_pause, feeds_of, is_told, settle, told_of
from talk_assets.automation.lost import end_lost_runs
from talk_assets.automation.trouble import forget_trouble, known_troubles, note_trouble
from talk_assets.automation.watch import Watch, watching
from talk_assets.cycle.news import deletions_of
from talk_assets.errors import ConfigurationError, SystemFault, TalkError
from talk_assets.ledger import unfinished
from talk_assets.settings import Settings
from talk_assets.systems.base import Watched

# Seconds between two looks: at what notifications told, and at the ledger.
_LOOKS = 5
# Feeds that are not answered; the system is then left alone until the next round.
_ENOUGH = 2
# Why a run was started, on the run.
BECAUSE = "talk/because"
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def change_sensors(job: str, assets: Sequence[dg.AssetsDefinition], division: Division) -> list[dg.SensorDefinition]:
    """One sensor per system of a division.

    Args:
        job: name of the job that they run.
        assets: all that it has, with their checks.
        division: its settings say how often they look, and whether they do from the start.
    """
    return [
        _change_sensor("customerp", division.settings.talk_customerp_poll_seconds, job, assets, division),
        _change_sensor("exact", _LOOKS, job, assets, division),
    ]


def _change_sensor(
    system: str, seconds: int, job: str, assets: Sequence[dg.AssetsDefinition], division: Division
) -> dg.SensorDefinition:
    told = (
        "Asks Exact what changed: at once where a notification came (`talk-assets webhooks`), and otherwise as often "
        "as leaves more than half of a day's calls (TALK_EXACT_POLL_SECONDS)."
        if system == "exact"
        else "Asks Customerp what changed (TALK_CUSTOMERP_POLL_SECONDS)."
    )

    @dg.sensor(
        name=f"{system}_changes{division.suffix}",
        job_name=job,
        minimum_interval_seconds=seconds,
        default_status=_status(division.settings),
        description=(
            f"{told} Starts a run of the entities that changed and of what depends on them; while a run goes on, what "
            "changes is gathered for the next one. Where reading starts is kept in the ledger, so nothing is passed "
            "over when the sensor is off."
        ),
    )
    def changes(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        agenda = Agenda.load(context.cursor)
        with _looking(context, division) as looked:
            if isinstance(looked, str):
                return _skip(agenda, looked)
            return ask_for_news(looked, system, agenda, assets, division.partition)

    return changes


def ask_for_news(
    watch: Watch, system: str, agenda: Agenda, assets: Sequence[dg.AssetsDefinition], partition: str | None
) -> dg.SensorResult:
    """Ask a system about its feeds that are due, and have a run started where there is news.

    Args:
        watch: the look.
        system: the system.
        agenda: what the sensor remembers; it is changed.
        assets: all that the job has, with their checks.
        partition: the division, where there are several.

    Raises:
        TalkError: the ledger does not answer.
    """
    feeds = feeds_of(watch.installation, system)
    agenda.keep(feeds)
    troubled = known_troubles(watch, system, feeds)
    told, pause = {}, timedelta(0)
    if system == "exact":
        told, pause = told_of(watch), exact_pause(watch.installation)
    due = [feed for feed in feeds if agenda.is_due(feed, watch.now, pause) or is_told(agenda, feed, told, watch.now)]
    if not due:
        known = " ".join(dict.fromkeys(troubled.values()))
        return _skip(agenda, known or f"{system} was asked lately, and told of nothing since.")
    # Where a round is broken off, all others were asked before those that could not be asked the last time.
    due.sort(key=lambda feed: feed in troubled)
    try:
        with watch.installation.systems() as systems:
            rest = systems[system].resting()
            if rest:
                return _skip(
                    agenda, f"The calls of {system} have to last for the day; asked again in {rest / 60:.0f} min."
                )
            news, faults = _answers(watch, systems[system], agenda, due, told)
    except ConfigurationError as error:
        note_trouble(watch, due[0], error)
        return _skip(agenda, str(error))
    ready = agenda.ready(news, watch.now)
    if faults and not ready:
        return _skip(agenda, " ".join(map(str, faults.values())))
    if not ready:
        waits = f"What changed in {', '.join(news)} was run for already, and the next attempt waits." if news else ""
        return _skip(agenda, waits or f"Nothing changed in {', '.join(due)}.")
    keys = [deletions_key(system) if feed == deletions_of(system) else feed_key(feed) for feed in ready]
    run_key = agenda.start({feed: news[feed] for feed in ready}, watch.now)
    return _run(agenda, run_key, _with_dependants(keys, assets), ready, assets, partition)


def _answers(
    watch: Watch, system: Watched, agenda: Agenda, due: Sequence[str], told: Mapping[str, pd.Series]
) -> tuple[dict[str, str], dict[str, TalkError]]:
    """Ask about feeds, one after another: the marks of those with news, and what kept others from being asked."""
    news, faults = dict[str, str](), dict[str, TalkError]()
    for feed in due:
        if len(faults) < _ENOUGH:
            try:
                mark = ask(watch, system, feed)
            except TalkError as fault:
                faults[feed] = fault
                note_trouble(watch, feed, fault)
                # A question takes a call also where it is not answered; what is wrong on our side takes none, and goes
                # on as soon as it is mended.
                if isinstance(fault, SystemFault):
                    agenda.note_asked(feed, watch.now)
                continue
            agenda.note_asked(feed, watch.now)
            forget_trouble(watch, feed)
            if mark is not None:
                news[feed] = mark
            elif feed in told:
                settle(watch, feed)
        elif any(isinstance(fault, SystemFault) for fault in faults.values()):
            agenda.note_asked(feed, watch.now)
    return news, faults


def unfinished_sensor(job: str, assets: Sequence[dg.AssetsDefinition], division: Division) -> dg.SensorDefinition:
    """The sensor that starts what waits although no system has news; arguments as of `change_sensors`."""

    @dg.sensor(
        name=f"owed_writes{division.suffix}",
        job_name=job,
        minimum_interval_seconds=_LOOKS,
        default_status=_status(division.settings),
        description=(
            "Starts a run when an owed write's time has come, after a run that failed or was cut off (in a minute, "
            "then in two, at last every hour), and after an order of a person, as `resolve`. Asks no system."
        ),
    )
    def owed_writes(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        agenda = Agenda.load(context.cursor)
        with _looking(context, division) as looked:
            if isinstance(looked, str):
                return _skip(agenda, looked)
            return _look_for_unfinished(looked, agenda, assets, division.partition)

    return owed_writes


def _look_for_unfinished(
    watch: Watch, agenda: Agenda, assets: Sequence[dg.AssetsDefinition], partition: str | None
) -> dg.SensorResult:
    division = watch.installation.division
    with watch.installation.ledger.begin() as connection:
        order = unfinished.order_since_last_run(connection, division)
        failures, began = unfinished.failed_runs(connection, division)
        due = unfinished.due(connection, division)
    if order is not None:
        return _run_whole(agenda, "an order", str(order), watch.now, partition)
    if began is not None:
        wait = began + wait_after(failures) - watch.now
        if wait > timedelta(0):
            return _skip(agenda, f"The last run did not end well; another one begins in {wait.seconds} s.")
        return _run_whole(agenda, "a run that did not end well", began.isoformat(), watch.now, partition)
    documents = {
        watch.installation.capabilities[entity].document or entity: entity for entity in due["entity"].astype("str")
    }
    news = {
        entity: " ".join(map(str, due[due["entity"].isin([entity, documents[entity]])].to_numpy().ravel()))
        for entity in documents
    }
    ready = agenda.ready(news, watch.now)
    agenda.keep(news)
    if not ready:
        return _skip(agenda, "Nothing is owed whose time has come.")
    run_key = agenda.start({entity: news[entity] for entity in ready}, watch.now)
    selection = _with_dependants([sink_key(entity) for entity in ready], assets)
    return _run(agenda, run_key, selection, ready, assets, partition)


def _run_whole(agenda: Agenda, because: str, mark: str, now: datetime, partition: str | None) -> dg.SensorResult:
    """Run everything; again after a while where the run that was started for the same could not begin."""
    agenda.keep([because])
    if not agenda.ready({because: mark}, now):
        return _skip(agenda, f"A run was started for {because} and did not begin; the next attempt waits.")
    return _run(agenda, f"{because} {agenda.start({because: mark}, now)}", None, [because], (), partition)


@contextmanager
def _looking(context: dg.SensorEvaluationContext, division: Division) -> Iterator[Watch | str]:
    """The division, or why nothing can be looked at or started now."""
    tags = {DIVISION: division.tag}
    under_way = bool(context.instance.get_runs(dg.RunsFilter(tags=tags, statuses=_UNDER_WAY), limit=1))
    try:
        with watching(division.partition) as watch:
            if not watch.busy:
                end_lost_runs(context.instance, {DIVISION: f"{watch.installation.division}{BY_COMMAND}"})
            if under_way:
                if not watch.busy:
                    end_lost_runs(context.instance, tags)
                yield "A run is under way; what changes meanwhile is looked at afterwards."
                return
            yield watch.hindrance or watch
    except TalkError as error:
        # The tick fails with one sentence instead of the way to it.
        raise dg.Failure(description=str(error), allow_retries=False) from None


def _with_dependants(keys: Sequence[dg.AssetKey], assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetKey]:
    return sorted(dg.AssetSelection.assets(*keys).downstream().resolve(assets))


def _run(
    agenda: Agenda,
    run_key: str,
    selection: Sequence[dg.AssetKey] | None,
    because: Sequence[str],
    assets: Sequence[dg.AssetsDefinition],
    partition: str | None,
) -> dg.SensorResult:
    # Left to itself Dagster adds every check of these assets, also those that have jobs of their own.
    checks = {key for each in assets for key in each.check_keys if key.asset_key in (selection or ())}
    request = dg.RunRequest(
        run_key=run_key,
        asset_selection=selection,
        asset_check_keys=None if selection is None else sorted(checks),
        partition_key=partition,
        tags={BECAUSE: ", ".join(because)[:200]},
    )
    return dg.SensorResult(run_requests=[request], cursor=agenda.model_dump_json())


def _skip(agenda: Agenda, why: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=why, cursor=agenda.model_dump_json())


def _status(settings: Settings) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if settings.talk_automation else dg.DefaultSensorStatus.STOPPED
