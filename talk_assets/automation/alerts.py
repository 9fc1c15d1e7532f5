"""The sensor that tells a person what needs one: each condition once when it begins, and once when it is over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import BaseModel, ValidationError

from talk_assets.assets.divisions import Division
from talk_assets.automation.conditions import Condition, conditions, failed_runs
from talk_assets.automation.messages import destinations
from talk_assets.automation.watch import watching
from talk_assets.errors import TalkError
from talk_assets.settings import Settings, load_settings

_LOOKS = 30
# A condition that comes and goes is told once an hour at most.
_AGAIN = timedelta(hours=1)
# What has doubled and is so many more is told once more.
_GROWN = 10


class _Told(BaseModel):
    sentence: str
    at: datetime
    over: datetime | None = None
    count: int = 0

    def is_told_again(self, condition: Condition, now: datetime) -> bool:
        """Whether it is back for longer than a moment, or has become another matter than the one that was told."""
        if self.over is not None:
            return now - self.at >= _AGAIN
        return condition.count >= 2 * self.count and condition.count > self.count + _GROWN


class Alerts(BaseModel):
    """What one destination was told; conditions by name."""

    told: dict[str, _Told] = {}

    def changes(
        self, found: list[Condition], now: datetime, unseen: tuple[str, ...] = ()
    ) -> tuple[list[str], list[str]]:
        """What begins and what is over, as sentences to tell; both are remembered as told.

        Args:
            found: what there is now.
            now: the time.
            unseen: what the names of conditions begin with of which nobody knows whether they are over.
        """
        begins, over = [], []
        present = {condition.name for condition in found}
        for condition in found:
            known = self.told.get(condition.name)
            if known is None or known.is_told_again(condition, now):
                begins.append(condition.sentence)
                self.told[condition.name] = _Told(sentence=condition.sentence, at=now, count=condition.count)
        for name, known in list(self.told.items()):
            if name in present or name.startswith(unseen):
                continue
            # What came back unsaid stays told as over, and ends unsaid.
            if known.over is None:
                over.append(known.sentence)
                self.told[name] = known.model_copy(update={"over": now})
            elif now - known.at >= _AGAIN:
                del self.told[name]
        return begins, over


class _Known(BaseModel):
    """What was told, by destination: where one cannot be reached, the others are not told again with it."""

    by: dict[str, Alerts] = {}

    @classmethod
    def load(cls, text: str | None) -> "_Known":
        """What the sensor's cursor holds; anew when it holds something else."""
        try:
            return cls.model_validate_json(text) if text else cls()
        except ValidationError:
            return cls()


def alert_sensor(job: str, divisions: Sequence[Division]) -> dg.SensorDefinition:
    """The sensor, which tells of all divisions; it runs from the start where somebody is to be told.

    Args:
        job: whose failures are told, as those of whole reads.
        divisions: that are looked at.
    """
    running = bool(destinations(divisions[0].settings))

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Tells a person by TALK_ALERT_WEBHOOK or TALK_ALERT_EMAIL, once, that runs fail, a guard stopped "
            "something, a system refuses the login, a write is owed for longer than TALK_ALERT_DEBT_HOURS, or the "
            "ledger does not answer; and once that it is over."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            return _tell(context, job, divisions)
        except TalkError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None

    return alerts


def _tell(context: dg.SensorEvaluationContext, job: str, divisions: Sequence[Division]) -> dg.SensorResult:
    settings = load_settings(())
    if not destinations(settings):
        return dg.SensorResult(skip_reason="Nobody is to be told: TALK_ALERT_WEBHOOK and TALK_ALERT_EMAIL are not set.")
    found, unseen, names = list[Condition](), list[str](), list[str]()
    for division in divisions:
        name, mine, seen = _look(division, timedelta(hours=settings.talk_alert_debt_hours))
        # Dagster is asked also where the ledger does not answer.
        failed = failed_runs(context.instance, job, division.partition)
        # Of the same, Dagster says more than the ledger.
        said = {condition.name for condition in failed}
        mine = [*failed, *(condition for condition in mine if condition.name not in said)]
        found += [condition.of_division(division.partition) for condition in mine]
        names.append(name)
        if not seen:
            unseen.append("" if division.partition is None else f"{division.partition} ")
    where = f"{'division' if len(names) == 1 else 'divisions'} {', '.join(names)}"
    return _send(settings, _Known.load(context.cursor), found, tuple(unseen), where)


def _look(division: Division, debt_limit: timedelta) -> tuple[str, list[Condition], bool]:
    """A division's name, what there is of it, and whether that is all; else it is what hinders the look."""
    try:
        with watching(division.partition) as watch, watch.installation.ledger.begin() as connection:
            name = watch.installation.division
            return name, conditions(connection, name, watch.now, debt_limit), True
    except TalkError as error:
        return division.tag, [Condition("look", f"Nothing can be looked at, and no run can begin: {error}")], False


def _send(
    settings: Settings, known: _Known, found: list[Condition], unseen: tuple[str, ...], where: str
) -> dg.SensorResult:
    """Tell each destination what it was not told; what one did not take is told to that one at the next look."""
    # The ledger's own clock cannot be asked while it is down.
    now = datetime.now(UTC)
    after, sent, faults = _Known(), list[str](), list[str]()
    for name, send in destinations(settings).items():
        before = known.by.get(name, Alerts())
        alerts = before.model_copy(deep=True)
        begins, over = alerts.changes(found, now, unseen)
        after.by[name] = alerts
        if not begins and not over:
            continue
        lines = [*(f"• {sentence}" for sentence in begins), *(f"• Over: {sentence}" for sentence in over)]
        what = "needs somebody" if begins else "is well again" if not found else "needs less"
        try:
            send(f"talk-assets, {where}, {what}", "\n".join(lines))
            sent.append(f"Told: {len(begins)} begun, {len(over)} over.")
        except TalkError as error:
            after.by[name] = before
            faults.append(str(error))
    if faults and not sent:
        # Nothing is new to be remembered, and a look that fails is seen.
        raise dg.Failure(description=" ".join(faults), allow_retries=False)
    told = " ".join([*dict.fromkeys(sent), *faults]) or f"{len(found)} known, nothing new."
    return dg.SensorResult(skip_reason=told, cursor=after.model_dump_json())
