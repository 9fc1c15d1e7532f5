"""The engine's decisions against those of a tiny model in plain Python."""

import warnings

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets.sync.decide import Decision
from talk_assets_tests.sync import oracle
from talk_assets_tests.sync.build import EPOCH, Cluster, Text, decided, rows_of
from talk_assets_tests.sync.worlds import REFERENCES, worlds

World = tuple[Subject, Capabilities, dict[int, Cluster]]


def text_of(frame: pd.DataFrame, number: int, name: str) -> Text:
    if number not in frame.index or name not in frame:
        return None
    value = frame.loc[number, name]
    return value if isinstance(value, str) else None


def seconds(frame: pd.DataFrame, number: int, name: str) -> float | None:
    at = pd.Timestamp(str(frame.loc[number, name]))
    return None if pd.isna(at) else round((at - EPOCH).total_seconds(), 6)


def facts(decision: Decision, subject: Subject, world: dict[int, Cluster], number: int) -> dict[str, object]:
    """What the engine says about a cluster."""
    golden = decision.golden
    found: dict[str, object] = {}
    for name in subject.properties:
        at = seconds(golden.times, number, name)
        found[f"golden {name}"] = (text_of(golden.values, number, name), at)
        if at is not None:
            found[f"why {name}"] = (text_of(golden.winners, number, name), text_of(golden.rules, number, name))
    for entity in world[number].members:
        frame = decision.accounted[entity]
        for name in subject.held_by(entity):
            found[f"{entity} {name}"] = (
                text_of(frame.base, number, name),
                seconds(frame.times, number, name),
                text_of(frame.sent, number, name),
            )
    history = decision.history[decision.history["cluster_id"].eq(number)]
    columns = ("property", "before", "after", "winner", "loser", "loser_value", "rule")
    found["history"] = rows_of(history, *columns)
    conflicts = decision.conflicts[decision.conflicts["cluster_id"].eq(number)]
    names = conflicts["entity"] + "/" + conflicts["key"]
    found["conflicts"] = rows_of(conflicts.assign(member=names.astype("str")), "property", "member", "value")
    return found


def expected(outcome: oracle.Outcome, subject: Subject) -> dict[str, object]:
    """What the model says about a cluster."""
    golden = outcome.golden
    found: dict[str, object] = {}
    for name in subject.properties:
        at = golden.times.get(name)
        found[f"golden {name}"] = (golden.values.get(name) or None, at)
        if at is not None:
            found[f"why {name}"] = (golden.winners.get(name), golden.rules.get(name))
    for entity, member in outcome.members.items():
        for name in subject.held_by(entity):
            found[f"{entity} {name}"] = (member.base.get(name), member.times.get(name), member.sent.get(name))
    found["history"] = sorted(outcome.history, key=str)
    found["conflicts"] = sorted(outcome.conflicts, key=str)
    return found


def compare(world: World) -> None:
    subject, capabilities, clusters = world
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decision = decided(subject, clusters, capabilities, REFERENCES)
    for number, cluster in clusters.items():
        outcome = oracle.judge(subject, cluster, capabilities, REFERENCES)
        assert facts(decision, subject, clusters, number) == expected(outcome, subject)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_engine_decides_as_the_rules_say(world: World) -> None:
    """Otherwise some combination of rule, group, clearing, precision and time gives another value than promised."""
    compare(world)


@pytest.mark.soak
@settings(max_examples=8000, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_engine_decides_as_the_rules_say_in_rare_cases_too(world: World) -> None:
    """Otherwise a combination that only large administrations meet gives another value than promised."""
    compare(world)
