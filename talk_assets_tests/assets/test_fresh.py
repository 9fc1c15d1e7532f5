"""When a sink is overdue."""

import asyncio
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, TimeWindowFreshnessPolicy
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from talk_assets.assets.keys import SINKS, sink_key
from talk_assets.definitions import build_defs
from talk_assets.errors import ConfigurationError
from talk_assets_tests.installed import Home

ENTITIES = 12


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Settings and nothing else."""
    return Home(tmp_path_factory.mktemp("alone"), {})


def windows(place: Home, **changes: str) -> dict[dg.AssetKey, tuple[timedelta, timedelta]]:
    """Asset to the times after which it is overdue, and after which a warning comes."""
    with place.environment(**changes):
        graph = build_defs().resolve_asset_graph()
    found = {}
    for key in graph.get_all_asset_keys():
        policy = graph.get(key).freshness_policy
        if policy is not None:
            assert graph.get(key).group_name == SINKS
            assert isinstance(policy, TimeWindowFreshnessPolicy)
            assert policy.warn_window is not None
            found[key] = policy.fail_window.to_timedelta(), policy.warn_window.to_timedelta()
    return found


def test_sinks_are_overdue_where_a_run_is_promised(alone: Home) -> None:
    """Nobody notices that nothing was written for days; or every laptop shows red on Monday."""
    assert windows(alone) == {}
    daily = windows(alone, TALK_AUTOMATION="true")
    assert len(daily) == ENTITIES
    assert set(daily.values()) == {(timedelta(hours=36), timedelta(hours=27))}
    assert windows(alone, TALK_AUTOMATION="true", TALK_FRESH_HOURS="0") == {}
    by_hand = windows(alone, TALK_FRESH_HOURS="2", TALK_FRESH_WARN_HOURS="0.5")
    assert set(by_hand.values()) == {(timedelta(hours=2), timedelta(minutes=30))}
    assert len(by_hand) == ENTITIES


@pytest.mark.parametrize("warning", ["2", "3", "0.01"])
def test_a_warning_that_comes_too_late_or_at_once_is_refused(alone: Home, warning: str) -> None:
    """Dagster does not load the code location, and says why in words of its own."""
    with pytest.raises(ConfigurationError, match=r"TALK_FRESH_WARN_HOURS: .* less than TALK_FRESH_HOURS, 2\."):
        windows(alone, TALK_FRESH_HOURS="2", TALK_FRESH_WARN_HOURS=warning)


def test_dagster_tells_from_the_last_materialization(alone: Home) -> None:
    """The policy is there, and Dagster takes the asset for one without."""
    with alone.environment(TALK_AUTOMATION="true"):
        node = build_defs().resolve_asset_graph().get(sink_key("exact.accounts"))
    start = datetime.now(UTC)

    def state(hours: float) -> FreshnessState:
        with freeze_time(start + timedelta(hours=hours)):
            looking = TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(LoadingContextForTest(instance), node)
            return asyncio.run(looking)

    with dg.DagsterInstance.ephemeral() as instance:
        assert state(0) is FreshnessState.UNKNOWN
        instance.report_runless_asset_event(dg.AssetMaterialization(sink_key("exact.accounts")))
        assert [state(hours) for hours in (1, 26, 28, 37)] == [
            FreshnessState.PASS,
            FreshnessState.PASS,
            FreshnessState.WARN,
            FreshnessState.FAIL,
        ]
