"""Which feeds a sensor asks for news, and what it learns."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from talk_assets.automation.agenda import Agenda
from talk_assets.automation.watch import Watch
from talk_assets.cycle.denied import can_be_missed, denied_lately
from talk_assets.cycle.news import deletions_of, news_of
from talk_assets.errors import AccessDenied
from talk_assets.installation import Installation
from talk_assets.ledger import notifications
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.systems.base import Watched
from talk_assets.systems.budget import CALLS_A_DAY
from talk_assets.systems.exact.subscriptions import TOPICS

# Of a day's calls so much goes into questions on a day without changes: half of the day stays, with room for a whole
# read and for what notifications ask.
QUESTIONS_SHARE = 0.4
_DAY = 86_400.0
_SHORTEST = timedelta(minutes=1)
# A set can tell of a change a moment after the notification came: it is asked once more.
_LATE = timedelta(seconds=30)
_DENIED = "denied"


def feeds_of(installation: Installation, system: str) -> list[str]:
    """The feeds of a system: its entities, and its list of removed records."""
    entities = [entity for entity in installation.mappings.entities if entity.partition(".")[0] == system]
    return [*entities, deletions_of(system)]


def exact_pause(installation: Installation) -> timedelta:
    """How long Exact is left alone between two rounds of questions that no notification asks for."""
    if installation.settings.talk_exact_poll_seconds is not None:
        return timedelta(seconds=installation.settings.talk_exact_poll_seconds)
    calls = sum(
        2 if feed in installation.capabilities and installation.capabilities[feed].lines else 1
        for feed in feeds_of(installation, "exact")
    )
    day = CallBudgetStore(installation.ledger, installation.division).load().day
    seconds = calls * _DAY / (QUESTIONS_SHARE * (day.limit if day is not None else CALLS_A_DAY))
    return max(timedelta(seconds=seconds), _SHORTEST)


def told_of(watch: Watch) -> dict[str, pd.Series]:
    """Exact's feeds of which unsettled notifications tell, with the times `first` and `last` at which they came."""
    installation = watch.installation
    mapped = set(installation.mappings.entities)
    topics = {entity: topic for entity, topic in TOPICS.items() if entity in mapped}
    with installation.ledger.begin() as connection:
        notifications.settle_read(connection, installation.division, topics)
        found = notifications.unsettled(connection, installation.division)
    entities = {topic: entity for entity, topic in topics.items()}
    feeds = found["topic"].map(entities).mask(found["deletion"], deletions_of("exact"))
    times = found.assign(feed=feeds).groupby("feed").agg(first=("first", "min"), last=("last", "max"))
    return {str(feed): row for feed, row in times.iterrows()}


def is_told(agenda: Agenda, feed: str, told: Mapping[str, pd.Series], now: datetime) -> bool:
    """Whether a feed is to be asked because of notifications: at once, and again when an answer may have been early."""
    if feed not in told:
        return False
    asked, first, last = agenda.asked.get(feed), told[feed]["first"], told[feed]["last"]
    return asked is None or asked < last or asked < first + _LATE <= now


def settle(watch: Watch, feed: str) -> None:
    """Settle what came about a feed long enough ago: there is no news of it."""
    division, before = watch.installation.division, watch.now - _LATE
    with watch.installation.ledger.begin() as connection:
        if feed in TOPICS:
            notifications.settle_topic(connection, division, TOPICS[feed], before)
        elif feed == deletions_of("exact"):
            notifications.settle_removals(connection, division, before)


def ask(watch: Watch, system: Watched, feed: str) -> str | None:
    """What distinguishes the news of a feed, None when there is none; see `cycle.news.news_of`.

    An entity that may not be read and is never written counts as one with news, until a run has noted that: what it
    does without is told there.

    Raises:
        TalkError: see there.
    """
    installation = watch.installation
    ledger, division = installation.ledger, installation.division
    missable = feed in installation.capabilities and can_be_missed(
        installation.capabilities, installation.mappings, feed
    )
    if missable and denied_lately(ledger, division, feed) is not None:
        return None
    try:
        return news_of(ledger, division, system, feed)
    except AccessDenied:
        if not missable:
            raise
        return _DENIED
