"""The checklist as Dagster runs it."""

from pathlib import Path

import dagster as dg
import pytest

from talk_assets.assets.checklist import CHECKLIST, DOCUMENT
from talk_assets.assets.keys import pair_key
from talk_assets.definitions import build_defs
from talk_assets_tests.assets.runs import QUIET, Told
from talk_assets_tests.installed import home
from talk_assets_tests.qa.test_play import mappings


@pytest.mark.soak
def test_the_job_shows_at_a_flow_which_rows_failed(tmp_path: Path) -> None:
    """Who works in Dagit cannot see whether the document still holds."""
    wrong = mappings(
        tmp_path / "wrong", product=[("exact.items: {name: Barcode}", "exact.items: {name: Barcode, write: never}")]
    )
    with home({"TALK_MAPPINGS": str(wrong)}) as place, place.environment(), dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs()
            .resolve_job_def(CHECKLIST)
            .get_subset(asset_check_selection={dg.AssetCheckKey(pair_key("product_items"), DOCUMENT)})
            .execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)
        )
        told = Told(instance, result.run_id)
    assert told.success, "the check tells; nothing else failed"
    assert set(told.checks) == {"pairs/product_items:document"}
    check = told.checks["pairs/product_items:document"]
    assert not check.passed
    assert "product_items/barcode/created: expected Exact Barcode = 'QA" in str(check.description)
    beside = told.beside("pairs/product_items:document")
    assert beside["failed"] > 1
    assert beside["passed"] > 80
    assert beside["played_against"] == "a sandbox of its own"
    rows = beside["report"]
    assert len(rows) == beside["passed"] + beside["failed"] + beside["not_applicable"]
    failed = {row["row"].split("/")[1] for row in rows if row["outcome"] == "failed"}
    # Some properties are edited together with the wrong one.
    assert "barcode" in failed
    assert "code" not in failed


def test_materializing_a_pair_plays_nothing() -> None:
    """Whoever materializes an asset waits for two minutes, has a test division written to, or spends Exact's calls."""
    chosen = pair_key("product_items")
    with home({}) as place, place.environment(), dg.DagsterInstance.ephemeral() as instance:
        job = build_defs().resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config=QUIET, asset_selection=[chosen]
        )
        told = Told(instance, result.run_id)
    assert told.success
    assert "pairs/product_items:equal" not in told.checks
    assert "pairs/product_items:document" not in told.checks
    assert "Nothing is played" in told.log
    assert "Nothing is compared" in told.log
