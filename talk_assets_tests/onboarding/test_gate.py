"""The first sync of configured systems is a preview until somebody says yes, from the command line and in Dagster."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets_tests.assets.runs import ORGANISATION, keys, run
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import FEW, Home, Sandbox, home, sandbox

pytestmark = pytest.mark.xdist_group("gate")

SYNC = ("sync", "--subject", "organisation")
REPORT = keys("reports/onboarding")


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    with sandbox(FEW) as served:
        yield served


@pytest.fixture(scope="module")
def place(systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    with home(systems.settings, database_server) as made:
        yield made


def stored(place: Home) -> set[str]:
    """Tables with rows."""
    return {name for name, rows in place.tables().items() if rows}


def written(systems: Sandbox) -> set[str]:
    """Calls that change something."""
    return {call for each in systems.calls().values() for call in each if not call.startswith(("GET", "POST /api/o"))}


def test_nothing_is_written_until_somebody_confirms(place: Home, systems: Sandbox, tmp_path: Path) -> None:
    """Somebody tries the command on the real books, and a wrong criterion doubles every customer."""
    systems.forget_calls()
    shown = place.call(*SYNC)
    assert shown.code == 0
    assert "`talk-assets sync --confirm` starts writing" in shown.complaint
    assert re.search(r"^customer_accounts +registration_number +", shown.out, re.MULTILINE)
    as_json = place.call(*SYNC, "--json")
    assert as_json.json["planned"]
    assert as_json.json["onboarding"]["flows"][0]["flow"] == "customer_accounts"
    told = run(place, [*ORGANISATION, *REPORT], config={})
    assert told.success
    assert "Nobody has confirmed the first sync of this installation yet" in told.log
    assert "| customer_accounts | registration_number |" in told.metadata["reports/onboarding"]["report"]
    assert {row["outcome"] for row in told.metadata["written/exact/accounts"]["written"]} == {"would be sent"}
    file = tmp_path / "onboarding.md"
    assert place.call("onboard", "--markdown", str(file)).code == 0
    assert file.read_text().startswith("# Onboarding of division ")
    assert place.call("onboard", "--markdown", str(tmp_path)).code == 2
    assert written(systems) == set()
    assert stored(place) <= {"alembic_version", "token"}


def test_it_is_asked_once(place: Home, systems: Sandbox) -> None:
    """Every night stops at a question, or nobody knows who let it write."""
    systems.forget_calls()
    confirmed = place.call(*SYNC, "--confirm", "--json")
    assert (confirmed.code, confirmed.err) == (0, "")
    assert "onboarding" not in confirmed.json
    assert written(systems)
    (order,) = [row for row in place.tables()["history"] if ",person," in row]
    assert "first sync confirmed" in order
    assert f",{confirmed.json['run_id']}," in order
    assert '""who"":' in order
    later = place.call(*SYNC, "--json")
    assert "planned" not in later.json
    told = run(place, ORGANISATION, config={})
    assert "Nobody has confirmed" not in told.log
    assert len([row for row in place.tables()["history"] if ",person," in row]) == 1
