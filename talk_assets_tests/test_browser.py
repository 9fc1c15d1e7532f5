"""Dagit as a person sees it: a real browser before the running product.

With TALK_SCREENSHOTS=docs/images what is seen is kept as the documentation's pictures.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from talk_assets_tests.dagit import dagit
from talk_assets_tests.installed import SMALL, Home, home, seed

# Debian's, which tests as root cannot start in its own sandbox; without the others it looks for its maker's servers.
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = [
    pytest.mark.soak,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
# Milliseconds; of a whole run on a busy machine.
_RUN = 300_000
_PAGE = 30_000
expect.set_options(timeout=_PAGE)
STAGES = ["sources", "feeds", "matched_pairs", "merged", "sinks"]


@pytest.fixture(scope="module")
def place() -> Iterator[Home]:
    """A home where nothing is configured and the sandbox is small."""
    with home({}) as made:
        seed(made.folder, SMALL)
        yield made


@pytest.fixture(scope="module")
def address(place: Home) -> Iterator[str]:
    """Where Dagit is."""
    with dagit(place) as served:
        yield served


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """A page of a browser, at Dagit."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = browser.new_context(base_url=address, viewport={"width": 1500, "height": 950}).new_page()
        made.set_default_timeout(_PAGE)
        yield made
        browser.close()


@pytest.fixture
def keep(page: Page, tmp_path: Path) -> Callable[[str], None]:
    """Keeps what is seen, under a name."""
    folder = Path(os.environ.get("TALK_SCREENSHOTS") or tmp_path)

    def shoot(name: str) -> None:
        # What is drawn may still be moving.
        page.wait_for_timeout(1500)
        page.screenshot(path=folder / f"{name}.png")

    return shoot


def launched(page: Page) -> None:
    """Wait until the run that the page shows has ended well."""
    expect(page).to_have_url(re.compile("/runs/[0-9a-f-]{36}"), timeout=_PAGE)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN)


def test_the_graph_shows_the_stages_in_order(page: Page, keep: Callable[[str], None]) -> None:
    """Whoever opens Dagit would not see which way a change takes."""
    page.goto("/asset-groups")
    places = []
    for stage in STAGES:
        box = page.locator("svg").get_by_text(stage, exact=True).first.bounding_box(timeout=_PAGE)
        assert box is not None
        places.append(box["x"])
    assert places == sorted(places), dict(zip(STAGES, places, strict=True))
    assert len(set(places)) == len(STAGES)
    keep("graph")


def test_a_preview_is_launched_and_read(page: Page, keep: Callable[[str], None]) -> None:
    """What a run would write could only be seen by having it written."""
    page.goto("/locations/talk_assets/jobs/preview/playground")
    expect(page.get_by_text("preview_all", exact=False).first).to_be_visible()
    keep("launchpad")
    page.get_by_role("button", name="Launch Run").click()
    launched(page)
    page.get_by_text("View full message").first.click()
    expect(page.get_by_text("would be written to exact.accounts", exact=True).first).to_be_visible()
    keep("preview")


def test_a_person_materializes_the_job_and_finds_what_it_did(page: Page, keep: Callable[[str], None]) -> None:
    """A team that works in Dagit would need a terminal to synchronise, or could not see what was changed."""
    page.goto("/jobs")
    page.get_by_text("sync", exact=True).first.click()
    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_role("button", name="View", exact=True).or_(page.get_by_role("link", name="View", exact=True)).click()
    launched(page)
    keep("run")
    page.goto("/assets/written/exact/accounts")
    expect(page.get_by_text("ChamberOfCommerce", exact=True).first).to_be_visible()
    expect(page.get_by_text("From merged/organisation.name.").first).to_be_visible()
    expect(page.get_by_text("talk.feed_exact_accounts").first).to_be_visible()
    keep("asset")
    lineage = page.get_by_text("comes from", exact=True).first
    lineage.scroll_into_view_if_needed()
    expect(page.get_by_text("merged/organisation.registration_number", exact=True).first).to_be_visible()
    keep("columns")
    page.goto("/assets/written/exact/accounts?view=events")
    for column in ("before", "after", "winner", "rule"):
        expect(page.get_by_text(column, exact=True).first).to_be_visible()
    expect(page.get_by_text("customerp.customer/cus-", exact=False).first).to_be_visible()
    keep("changes")


def test_a_failed_check_says_what_is_wrong(page: Page, keep: Callable[[str], None]) -> None:
    """A red mark would send people into our code to find out what it means."""
    page.goto("/assets/written/exact/employees?view=checks")
    page.get_by_text("undelivered", exact=True).first.click()
    expect(page.get_by_text(re.compile("Owed: [0-9]+ for a person to enter")).first).to_be_visible()
    keep("check")


def test_sensors_and_schedules_say_what_they_are_for(page: Page, keep: Callable[[str], None]) -> None:
    """Nobody would dare to switch on what writes into the books by itself."""
    page.goto("/automation")
    for name in ("customerp_changes", "exact_changes", "owed_writes", "daily_rescan", "alerts"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    keep("automation")
