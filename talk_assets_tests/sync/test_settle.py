"""What needs no decision: records that were touched only, and what a system made of our own write."""

from talk_assets.sync.settle import settle
from talk_assets_tests.sync.build import RIGHT, Cluster, Member, Text, frames, known, mapping, new, values_of


def settled(member: Member, **options: object) -> tuple[bool, Text, Text]:
    """Whether a record with the property `name` equals its base, and base and sent value afterwards."""
    subject = mapping({"name": options})
    members, _ = frames(subject, {1: Cluster({RIGHT: member})})
    found, equal = settle(subject, RIGHT, members[RIGHT])
    return bool(equal[1]), values_of(found.base, 1).get("name"), values_of(found.sent, 1).get("name")


def test_a_record_that_was_only_touched_is_settled() -> None:
    """Every record that a system touches would be decided and looked at again."""
    assert settled(known({"name": "An"})) == (True, "An", None)
    assert settled(known({"name": " An "}, {"name": "An"}))[0]


def test_an_edit_is_not_settled() -> None:
    """An edit would be taken for known and never travel."""
    assert settled(known({"name": "Bo"}, {"name": "An"})) == (False, "An", None)
    assert settled(known({"name": None}, {"name": "An"})) == (False, "An", None)


def test_a_property_never_accounted_for_is_not_settled() -> None:
    """What a record held before it was linked would never be compared."""
    assert settled(new({"name": "An"}, base={"name": "An"}))[0] is False


def test_our_own_write_is_settled_and_forgotten_when_it_arrived() -> None:
    """Our own write would come back as an edit."""
    assert settled(known({"name": "An"}, sent={"name": "An"})) == (True, "An", None)


def test_a_shortened_write_becomes_the_base_and_is_remembered() -> None:
    """A name too long for a system would be sent to it for ever, or come back short and replace the long one."""
    written = known({"name": "Annabel"}, {"name": "Annabelle"}, sent={"name": "Annabelle"})
    assert settled(written) == (True, "Annabel", "Annabelle")


def test_a_shortening_is_absorbed_only_once() -> None:
    """A person who shortens a name later would see the long one come back."""
    later = known({"name": "Anna"}, {"name": "Annabel"}, sent={"name": "Annabelle"})
    assert settled(later) == (False, "Annabel", "Annabelle")


def test_a_write_that_was_not_kept_is_not_fought() -> None:
    """A value that a system drops without a word would be sent to it in every sync."""
    assert settled(known({"name": None}, {"name": "An"}, sent={"name": "An"})) == (True, None, "An")


def test_a_rounded_number_is_absorbed_and_another_one_is_not() -> None:
    """A price corrected right after our write would be lost, or a rounded one be fought."""
    rounded = known({"name": "1.23"}, {"name": "1.2345"}, sent={"name": "1.2345"})
    assert settled(rounded, type="decimal") == (True, "1.23", "1.2345")
    corrected = known({"name": "1.3"}, {"name": "1.2345"}, sent={"name": "1.2345"})
    assert settled(corrected, type="decimal") == (False, "1.2345", "1.2345")
