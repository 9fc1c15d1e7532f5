"""Runs that are stopped half-way, cannot begin, or leave something to a person: what is done, and what is said."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from talk_assets.assets import run as run_module
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.locks import division_lock
from talk_assets.mappings import load as mappings_room
from talk_assets_tests.assets.runs import ORGANISATION, QUIET, Told, keys, run, sync_job
from talk_assets_tests.installed import Home, Sandbox

pytestmark = pytest.mark.xdist_group("reexecution")


@pytest.fixture(autouse=True)
def _mended(systems: Sandbox) -> Iterator[None]:
    yield
    systems.end_faults()


def test_a_preview_can_be_started_from_dagit(place: Home, systems: Sandbox) -> None:
    """Somebody who wants to look at the first run in Dagit writes."""
    before = len(systems.exact("Accounts"))
    told = run(place, ORGANISATION, config={"resources": {"talk": {"config": {"preview": True}}}})
    assert told.success
    planned = told.metadata["written/exact/accounts"]["written"]
    assert {row["outcome"] for row in planned} <= {"would be sent"}
    assert len(systems.exact("Accounts")) == before
    kept = {name: rows for name, rows in place.tables().items() if rows}
    # For which login a refused feed would be remembered is known before anything is read.
    assert all(",denied," in row for row in kept.pop("cursor", []))
    assert set(kept) <= {"alembic_version", "call_budget", "token"}


def test_a_run_that_cannot_begin_says_so_once_per_step_and_ends_soon(
    place: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one of forty steps waits an hour for another run to end."""
    monkeypatch.setattr(run_module, "PATIENCE", 1.0)
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with division_lock(ledger, place.settings["EXACT_DIVISION"], 0, "of somebody else"):
        began = time.monotonic()
        told = run(place)
        took = time.monotonic() - began
    ledger.close()
    assert not told.success
    assert set(told.failed) == {"customerp__deletions", "exact__deletions"}
    for sentence in told.failed.values():
        assert sentence.startswith("The lock on division")
        assert "of somebody else" in sentence
    # Waiting once is what it takes; each further wait would add a second.
    assert told.metadata == {}
    assert took < 30


def test_a_wrong_setting_is_one_sentence_in_the_run(place: Home) -> None:
    """Dagit shows a traceback for a mistyped token."""
    told = run(place, ORGANISATION, CUSTOMERP_TOKEN="not-the-token")
    assert set(told.failed) == {"customerp__deletions", "exact__deletions"}
    for sentence in told.failed.values():
        assert "CUSTOMERP_TOKEN" in sentence
    assert "Traceback" not in told.log
    assert "not-the-token" not in told.log


def test_a_run_goes_on_where_it_failed(place: Home, systems: Sandbox, tmp_path: Path) -> None:
    """After a right was restored, either everything is done anew, or what was written is written twice."""
    systems.fault("exact", method="POST", path="crm/Accounts", status=403, times=None)
    before = len(systems.exact("Accounts"))
    with place.environment(), dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        stopped = run(place, ORGANISATION, instance=instance)
        assert not stopped.success
        assert set(stopped.failed) == {"written__exact__accounts.deliver_exact_accounts"}
        (sentence,) = stopped.failed.values()
        assert "\n" not in sentence
        assert "exact" in sentence
        assert "written/exact/accounts" not in stopped.metadata
        assert "written/customerp/customer" not in stopped.metadata

        systems.end_faults()
        systems.forget_calls()
        with dg.execute_job(
            dg.reconstructable(sync_job),
            instance=instance,
            run_config=dict(QUIET),
            reexecution_options=dg.ReexecutionOptions.from_failure(stopped.run_id, instance),
        ) as result:
            again = Told(instance, result.run_id)
    assert again.success
    assert set(again.metadata) == {"written/exact/accounts", "written/customerp/customer"}
    created = again.metadata["written/exact/accounts"]["created"]
    assert created > 0
    assert len(systems.exact("Accounts")) == before + created
    assert systems.calls()["exact"].total() < 20
    quiet = run(place, ORGANISATION)
    assert quiet.metadata["written/exact/accounts"]["created"] == 0
    assert len(systems.exact("Accounts")) == before + created


def test_a_check_alone_can_be_evaluated(place: Home) -> None:
    """Somebody who settled a debt has to run everything to see the check turn green."""
    with place.environment(), dg.DagsterInstance.ephemeral() as instance:
        key = dg.AssetCheckKey(keys("written/exact/accounts")[0], "undelivered")
        job = sync_job().get_subset(asset_selection=set(), asset_check_selection={key})
        told = Told(instance, job.execute_in_process(instance=instance, run_config=dict(QUIET)).run_id)
    assert told.checks["written/exact/accounts:undelivered"].passed


@pytest.mark.soak
def test_a_conflict_stays_reported_until_it_is_settled(place: Home, systems: Sandbox, tmp_path: Path) -> None:
    """Two edits that a person has to choose between are shown once, and never again."""
    folder = tmp_path / "mappings"
    shutil.copytree(Path(mappings_room.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "organisation.yaml"
    assert "\n  website:\n" in path.read_text()
    path.write_text(path.read_text().replace("\n  website:\n", "\n  website:\n    rule: manual\n"))
    manual = str(folder)
    # What differed from the beginning is settled before a person has to be asked.
    run(place, ORGANISATION)
    run(place, ORGANISATION, TALK_MAPPINGS=manual)
    customer = systems.customerp("customers")[0]
    account = next(key for key, values in systems.exact("Accounts").items() if values["Name"] == customer["Name"])
    systems.edit_customerp(f"customers/{customer['Id']}", Website="https://links.example")
    systems.edit_exact(f"Accounts/{account}", Website="https://rechts.example")
    for told in (run(place, ORGANISATION, TALK_MAPPINGS=manual), run(place, ORGANISATION, TALK_MAPPINGS=manual)):
        conflicts = told.checks["merged/organisation:conflicts"]
        assert (conflicts.passed, conflicts.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert str(conflicts.description).startswith("1 property waits for a person's decision")
        (row,) = told.beside("merged/organisation:conflicts")["open_conflicts"]
        assert (row["subject"], row["property"]) == ("organisation", "website")
    shown = place.call("status", TALK_MAPPINGS=manual).out
    assert f"customerp.customer/{customer['Id']} says 'https://links.example'" in shown
    assert f"exact.accounts/{account} says 'https://rechts.example'" in shown
    assert systems.exact("Accounts")[account]["Website"] == "https://rechts.example"
