"""What must always hold, searched for by random towns; design, section 4, points 1 to 7.

An example is the story of one pair of records: what it holds, what people write, remove and leave unread, which of its
writes fail. A sync costs about the same for one story as for many, so that twenty-five are told at once, in a town with
rules, unreadable feeds and killed processes in common; each is judged by itself.
"""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from talk_assets.ledger.database import Ledger, open_ledger
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.search.town import POOL, Round, Step, Story, Town, towns
from talk_assets_tests.search.verdict import as_scenario, problems, smallest

LOG = logging.getLogger(__name__)
TOGETHER = 25
# The first town that is made up is the simplest one.
SIMPLEST = 1


@pytest.fixture(scope="module")
def town_ledger(database_server: DatabaseServer) -> Iterator[Ledger]:
    """One ledger: every town has a division of its own."""
    url = database_server.create_ledger()
    opened = open_ledger(url)
    yield opened
    opened.close()
    database_server.drop(url)


def search(examples: int, ledger: Ledger, *, derandomize: bool) -> None:
    """Tell so many stories; the first town in which something goes wrong is shown as small as it can be made."""
    steps: list[int] = []
    failed: list[tuple[Town, list[str]]] = []

    # What went wrong is made smaller story by story, which takes fewer tries than value by value.
    @settings(
        max_examples=SIMPLEST + examples // TOGETHER,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(towns(TOGETHER))
    def tell(town: Town) -> None:
        if not failed:
            found, _ = problems(town, ledger, steps)
            if found:
                failed.append((town, found))

    tell()
    LOG.info("%d towns of %d stories, %d steps", len(steps), TOGETHER, sum(steps))
    if failed:
        town, found, life = smallest(failed[0][0], ledger, failed[0][1])
        pytest.fail("\n".join([*found, repr(town), as_scenario(town, life, found)]))


def test_invariants_hold(town_ledger: Ledger) -> None:
    """Otherwise records differ for ever, are doubled, or lose what somebody typed, and nobody is told."""
    search(100, town_ledger, derandomize=True)


@pytest.mark.soak
def test_invariants_hold_in_rare_cases(town_ledger: Ledger) -> None:
    """Otherwise the same happens where much happens at once."""
    search(2000, town_ledger, derandomize=False)


def test_late_page_is_no_correction_of_a_record_that_cannot_be_read(town_ledger: Ledger) -> None:
    """The record would count as corrected, and what is owed to it be sent and refused until it is given up."""
    bad, late = Step(1, "edit", "right", {"price": "cheap"}), Step(2, "late", "right", {})
    edit = Step(1, "edit", "left", {"street": "Side 2"})
    story = Story({"name": "Ann"}, {"name": "Ann"}, (bad, edit, late))
    rules = {"keys": [["email"]], "shared": ["email", *POOL]}
    town = Town(rules, (story,), (Round(quiet=True), Round(quiet=True), Round(deaf=("right",), quiet=True)))
    assert problems(town, town_ledger)[0] == []


def test_record_that_cannot_be_read_costs_no_more_reads(town_ledger: Ledger) -> None:
    """A feed would be read twice in every sync for as long as somebody leaves a wrong value in one record."""
    bad, edit = Step(1, "edit", "right", {"price": "cheap"}), Step(1, "edit", "left", {"name": "Bo"})
    story = Story({"name": "Ann"}, {"name": "Ann"}, (bad, edit))
    town = Town({"keys": [["email"]], "shared": ["email", *POOL]}, (story,), (Round(quiet=True), Round()))
    assert problems(town, town_ledger)[0] == []
