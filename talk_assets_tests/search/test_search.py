"""What must always hold, searched for by random towns; design, section 4, points 1 to 7.

An example is the story of one pair of records: what it holds, what people write, remove and leave unread, which of its
writes fail. A sync costs about the same for one story as for many, so that twenty-five are told at once, in a town with
rules, unreadable feeds and killed processes in common; each is judged by itself.
"""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from talk_assets.ledger.database import Ledger
from talk_assets_tests.search.town import POOL, TITLE, Round, Step, Story, Town, towns
from talk_assets_tests.search.verdict import as_scenario, problems, smallest

TOGETHER = 25
# The first town that is made up is the simplest one.
SIMPLEST = 1


def first_failure(
    examples: int, ledger: Ledger, *, derandomize: bool, steps: list[int] | None = None
) -> tuple[Town, list[str]] | None:
    """Tell so many stories; the first town in which something goes wrong, and what."""
    counted: list[int] = [] if steps is None else steps
    failed: list[tuple[Town, list[str]]] = []

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
            found, _ = problems(town, ledger, counted)
            if found:
                failed.append((town, found))

    tell()
    return failed[0] if failed else None


def search(examples: int, ledger: Ledger, tell: Callable[[str, object], None], *, derandomize: bool) -> None:
    """Tell so many stories; the first town in which something goes wrong is shown as small as it can be made."""
    steps: list[int] = []
    failed = first_failure(examples, ledger, derandomize=derandomize, steps=steps)
    tell("told", f"{len(steps)} towns of {TOGETHER} stories, {sum(steps):,} steps")
    if failed is not None:
        # Made smaller story by story, which takes fewer tries than value by value.
        town, found, life = smallest(failed[0], ledger, failed[1])
        pytest.fail("\n".join([*found, repr(town), as_scenario(town, life, found)]))


def test_invariants_hold(module_ledger: Ledger, record_property: Callable[[str, object], None]) -> None:
    """Otherwise records differ for ever, are doubled, or lose what somebody typed, and nobody is told."""
    search(100, module_ledger, record_property, derandomize=True)


@pytest.mark.soak
def test_invariants_hold_in_rare_cases(module_ledger: Ledger, record_property: Callable[[str, object], None]) -> None:
    """Otherwise the same happens where much happens at once."""
    search(2000, module_ledger, record_property, derandomize=False)


def test_late_page_is_no_correction_of_a_record_that_cannot_be_read(module_ledger: Ledger) -> None:
    """The record would count as corrected, and what is owed to it be sent and refused until it is given up."""
    bad, late = Step(1, "edit", "right", {"price": "cheap"}), Step(2, "late", "right", {})
    edit = Step(1, "edit", "left", {"street": "Side 2"})
    story = Story({"name": "Ann"}, {"name": "Ann"}, (bad, edit, late))
    rules = {"keys": [["email"]], "shared": [TITLE, "email", *POOL]}
    town = Town(rules, (story,), (Round(quiet=True), Round(quiet=True), Round(deaf=("right",), quiet=True)))
    assert problems(town, module_ledger)[0] == []


def test_record_that_cannot_be_read_costs_no_more_reads(module_ledger: Ledger) -> None:
    """A feed would be read twice in every sync for as long as somebody leaves a wrong value in one record."""
    bad, edit = Step(1, "edit", "right", {"price": "cheap"}), Step(1, "edit", "left", {"name": "Bo"})
    story = Story({"name": "Ann"}, {"name": "Ann"}, (bad, edit))
    town = Town({"keys": [["email"]], "shared": [TITLE, "email", *POOL]}, (story,), (Round(quiet=True), Round()))
    assert problems(town, module_ledger)[0] == []


def test_record_that_is_held_costs_no_more_reads(module_ledger: Ledger) -> None:
    """A feed would be read twice in every sync for as long as nobody tells two records apart."""
    edit, twin = Step(1, "edit", "right", {"fixed": ""}), Step(1, "create", "right", {"zip": "10"})
    story = Story(None, {"fixed": "two"}, (edit, twin))
    rules = {"keys": [["email"]], "shared": [TITLE, "email", *POOL], "inserts": "right_only"}
    assert problems(Town(rules, (story,), (Round(quiet=True), Round())), module_ledger)[0] == []


def test_record_to_archive_that_cannot_be_read_costs_no_more_reads(module_ledger: Ledger) -> None:
    """A feed would be read twice in every sync, and nobody told why a record of somebody who left is not archived."""
    unmapped, gone = Step(1, "edit", "right", {"status": "X"}), Step(2, "delete", "left", {}, how=2)
    story = Story(None, {}, (unmapped, gone))
    codes = {"left": {"open": "open", "closed": "closed"}, "right": {"O": "open", "C": "closed"}}
    rules = {"keys": [["email"]], "shared": [TITLE, "email", *POOL], "value_map": {"status": codes}}
    rules |= {"deletes": {"left": "archive"}, "archive": {side: {"archived": True} for side in ("left", "right")}}
    assert problems(Town(rules, (story,), (Round(), Round(), Round())), module_ledger)[0] == []
