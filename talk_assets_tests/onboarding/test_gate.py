"""The first sync of configured systems is a preview until somebody says yes, from the command line and in Dagster."""

import re
from pathlib import Path

import pytest

from talk_assets_tests.assets.runs import ORGANISATION, keys, run
from talk_assets_tests.automation.looks import query
from talk_assets_tests.installed import Home, Sandbox

pytestmark = pytest.mark.xdist_group("gate")

SYNC = ("sync", "--subject", "organisation")
REPORT = keys("reports/onboarding")


def stored(place: Home) -> set[str]:
    """Tables with rows."""
    return {name for name, rows in place.tables().items() if rows}


def written(systems: Sandbox) -> set[str]:
    """Calls that change something."""
    return {call for each in systems.calls().values() for call in each if not call.startswith(("GET", "POST /api/o"))}


@pytest.mark.soak
def test_nothing_is_written_until_somebody_confirms(place: Home, systems: Sandbox, tmp_path: Path) -> None:
    """Somebody tries the command on the real books, and a wrong criterion doubles every customer."""
    systems.forget_calls()
    shown = place.call(*SYNC)
    assert shown.code == 0
    assert "`talk-assets sync --confirm` starts writing" in shown.complaint
    assert re.search(r"^customer_accounts +registration_number +", shown.out, re.MULTILINE)
    told = run(place, [*ORGANISATION, *REPORT], config={})
    assert told.success
    assert "Nobody has confirmed the first sync of this installation yet" in told.log
    assert "| customer_accounts | registration_number |" in told.metadata["reports/onboarding"]["report"]
    assert {row["outcome"] for row in told.metadata["written/exact/accounts"]["written"]} == {"would be sent"}
    assert told.metadata["written/exact/accounts"]["preview"], "Dagster takes it for materialized"
    file = tmp_path / "onboarding.md"
    onboarded = place.call("onboard", "--markdown", str(file), "--json")
    assert onboarded.code == 0
    assert onboarded.json["onboarding"]["flows"][0]["flow"] == "customer_accounts"
    assert file.read_text().startswith("# Onboarding of division ")
    assert written(systems) == set()
    # What concerns the login and its calls outlives a preview: both were really asked.
    assert stored(place) <= {"alembic_version", "token", "call_budget", "cursor"}
    assert query(place, "select feed from talk.cursor where feed not like 'denied%'") == []
