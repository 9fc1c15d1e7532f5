"""Why a value is what it is."""

from talk_assets_tests.sync.build import (
    LEFT,
    RIGHT,
    Agreed,
    Cluster,
    Text,
    agreed,
    decided,
    known,
    mapping,
    new,
    rows_of,
)
from talk_assets_tests.sync.test_decide import an

COLUMNS = ("before", "after", "winner", "loser", "loser_value", "rule")


def told(cluster: Cluster, **options: object) -> list[tuple[Text, ...]]:
    return rows_of(decided(mapping({"name": options}), cluster).history, *COLUMNS)


def test_a_changed_value_is_told_with_who_changed_it() -> None:
    """Nobody could say months later where a value came from."""
    cluster = Cluster({LEFT: an("Bo", 5), RIGHT: an()}, agreed({"name": "An"}))
    assert told(cluster) == [("An", "Bo", f"{LEFT}/1", None, None, "latest")]


def test_an_overruled_edit_is_told() -> None:
    """What somebody typed would be gone without a trace."""
    cluster = Cluster({LEFT: an("Bo", 5), RIGHT: an("Cy", 6)}, agreed({"name": "An"}))
    assert told(cluster) == [
        ("An", "Cy", f"{RIGHT}/1", f"{LEFT}/1", "Bo", "latest"),
        ("An", "Cy", f"{RIGHT}/1", None, None, "latest"),
    ]


def test_first_values_are_told_only_where_one_is_overruled() -> None:
    """The first sync would fill history with what everybody knew, or hide what it replaced."""
    assert told(Cluster({LEFT: new({"name": "An"}), RIGHT: new({"name": "An"})})) == []
    assert told(Cluster({LEFT: new({"name": "An"}, 1), RIGHT: new({"name": "Bo"}, 2)})) == [
        (None, "Bo", f"{RIGHT}/1", f"{LEFT}/1", "An", "latest")
    ]


def test_an_edit_that_does_not_count_is_told_with_the_direction() -> None:
    """An edit in the wrong system would be put back without anybody learning why."""
    cluster = Cluster({LEFT: an(), RIGHT: an("Cy", 6)}, agreed({"name": "An"}))
    assert told(cluster, direction="to_exact") == [("An", "An", f"{LEFT}/1", f"{RIGHT}/1", "Cy", "to_exact")]


def test_what_was_held_without_being_agreed_is_told_when_it_is_overwritten() -> None:
    """A status from before the first order in Exact would be replaced without a trace."""
    cluster = Cluster({LEFT: known({"name": "An"}), RIGHT: new({"name": "Cy"}, 6)})
    assert told(cluster, direction="to_customerp") == [(None, "Cy", f"{RIGHT}/1", f"{LEFT}/1", "An", "to_customerp")]


def test_an_edit_that_loses_against_the_owner_is_told() -> None:
    """A department would wonder where its correction went."""
    cluster = Cluster({LEFT: an(), RIGHT: an("Cy", 6)}, agreed({"name": "An"}))
    assert told(cluster, rule="owner", order=["customerp"]) == [("An", "An", f"{LEFT}/1", f"{RIGHT}/1", "Cy", "owner")]


def test_a_clearing_is_told() -> None:
    """An emptied field would look as if it had never been filled."""
    cluster = Cluster({LEFT: an(None, 5), RIGHT: an()}, agreed({"name": "An"}))
    assert told(cluster, clear=["customerp"]) == [("An", None, f"{LEFT}/1", None, None, "latest")]


def test_what_nobody_changed_is_not_told() -> None:
    """History would grow with every sync, and nobody could find anything in it."""
    assert told(Cluster({LEFT: an(), RIGHT: an()}, agreed({"name": "An"}))) == []
    touched = known({"name": "An "}, {"name": "An"}, at=9)
    assert told(Cluster({LEFT: touched, RIGHT: an()}, agreed({"name": "An"}))) == []


def test_every_overruled_property_of_a_group_is_told() -> None:
    """Of a lost address only the street would be known."""
    rows = {"street": {"group": "address"}, "city": {"group": "address"}}
    members = {
        LEFT: new({"street": "Main 1", "city": "Oslo"}, 1),
        RIGHT: new({"street": "Side 2", "city": "Bergen"}, 2),
    }
    history = decided(mapping(rows), Cluster(members, Agreed())).history
    assert rows_of(history, "property", "loser_value") == [("city", "Oslo"), ("street", "Main 1")]
