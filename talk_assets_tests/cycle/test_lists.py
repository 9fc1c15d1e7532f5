"""Lists that both systems keep, from mapping file to books."""

from pathlib import Path

from talk_assets_tests.cycle.harness import open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace


def test_a_list_is_united_across_both_systems(database_url: str, tmp_path: Path) -> None:
    """Of two marks that colleagues set in different systems one would be lost, or both come back after a removal."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    path = copy_mappings(folder) / "organisation.yaml"
    replace(path, "  website:\n", "  website:\n    type: list\n    rule: union\n")
    replace(path, "exact.accounts: {name: Website}", 'exact.accounts: {name: Website, separator: "; "}')
    with open_world(database_url, tmp_path, mappings=folder) as world:
        account = world.add("exact.accounts", Name="Jansen", VATNumber="NL001234567B01", Website="b; c")
        customer = world.add("customerp.customer", Name="Jansen", VatNumber="NL001234567B01", Website="a\nb")
        world.sync()
        assert world.show("customerp.customer", customer)["Website"] == "a\nb\nc"
        assert world.show("exact.accounts", account)["Website"] == "a; b; c"
        world.edit("customerp.customer", customer, Website="c\na\nd")
        world.edit("exact.accounts", account, Website="e;b;a;c")
        world.sync()
        assert world.show("customerp.customer", customer)["Website"] == "a\nc\nd\ne"
        assert world.show("exact.accounts", account)["Website"] == "a; c; d; e"
        assert world.sync().writes == []
