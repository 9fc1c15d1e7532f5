"""What people are told of, and can order about, records that are there twice and kept in sync."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from talk_assets.ledger.database import Ledger
from talk_assets.ledger.notes import start_run
from talk_assets.ledger.views import create_views
from talk_assets.undo.carry_out import carry_out
from talk_assets.why.facts import gather
from talk_assets.why.find import find_record
from talk_assets.why.story import tell
from talk_assets_tests.scenarios.case import Case, read_cases
from talk_assets_tests.scenarios.play import Player

_FILE = Path(__file__).parent / "duplicates.yaml"
LEFT, RIGHT = "customerp.contact", "exact.contact"
EDITED = [
    {"edit": "left/contact/L2", "set": {"name": "Bea"}, "t": 20},
    {"do": "sync", "times": 2},
]


@pytest.fixture
def player(module_ledger: Ledger, request: pytest.FixtureRequest) -> Player:
    """Two customers and their account; the second customer was edited."""
    case = next(case for case in read_cases(_FILE) if case.id == "TWIN-02")
    parts = {**vars(case), "id": request.node.name, "events": EDITED}
    found = Player(Case(**parts), module_ledger)
    found.play()
    return found


def holds(player: Player) -> dict[str, object]:
    return {
        id_: stored.values.get("name")
        for side in player.sides.values()
        for id_, stored in side.records.get("contact", {}).items()
    }


def test_every_pair_is_shown(player: Player) -> None:
    """Who looks for a customer in the pairs would think that it has no account."""
    with player.ledger.begin() as connection:
        create_views(connection, player.translation.mappings)
        pairs = connection.execute(
            sa.text(
                'select customerp_key, exact_key, name_customerp from talk."pair_customerp_contact_exact_contact" '
                "where division = :division order by 1"
            ),
            {"division": player.case.id},
        ).all()
    assert [tuple(pair) for pair in pairs] == [("L1", "R1", "Bea"), ("L2", "R1", "Bea")]


def test_why_names_the_record_that_was_edited(player: Player) -> None:
    """Who asks why a value changed would be sent to the wrong customer."""
    with player.ledger.begin() as connection:
        found = find_record(connection, player.case.id, player.translation.mappings, f"{LEFT}/L1")
        (answer,) = tell(gather(connection, player.case.id, found), ["name"]).properties
    assert answer.value == "Bea"
    assert f"{LEFT}/L2" in answer.sentence
    assert {each.record: each.value for each in answer.holdings} == {
        f"{LEFT}/L1": "Bea",
        f"{LEFT}/L2": "Bea",
        f"{RIGHT}/R1": "Bea",
    }
    assert not any("/L2" in text for text in answer.written)


def test_undo_puts_all_of_them_back(player: Player) -> None:
    """One of the two would keep what was undone."""
    with player.ledger.begin() as connection:
        run = connection.execute(
            sa.text("select min(run) from talk.history where division = :division and kind = 'write'"),
            {"division": player.case.id},
        ).scalar_one()
    player.runs += 1
    with player.ledger.begin() as connection:
        start_run(connection, player.case.id, f"sync {player.runs}")
    done = carry_out(player._cycle(player.translation), run, None, "Anna")
    assert sorted(each.record for each in done.plan.back) == [f"{LEFT}/L1", f"{RIGHT}/R1"]
    assert holds(player) == {"L1": "Ada", "L2": "Ada", "R1": "Ada"}
