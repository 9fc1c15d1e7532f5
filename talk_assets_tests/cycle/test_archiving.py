"""Records that are archived because their counterpart is gone."""

from pathlib import Path

from talk_assets_tests.cycle.harness import open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace


def test_what_was_edited_just_before_is_not_archived_unasked(database_url: str, tmp_path: Path) -> None:
    """A customer whose number somebody has just corrected would vanish from his screen, without a question."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    copy_mappings(folder)
    organisation = folder / "organisation.yaml"
    replace(organisation, "    criteria:\n", "    when_gone: {exact: archive}\n    criteria:\n")
    archive = "deletions:\n  customerp.customer:\n    archive: {name: Notes, value: left}\n\nproperties:\n"
    replace(organisation, "properties:\n", archive)
    with open_world(database_url, tmp_path, mappings=folder) as world:
        customer = world.add("customerp.customer", Name="Jansen BV", Phone="1")
        world.sync()
        world.sync()
        world.remove("exact.accounts", world.twin("customerp.customer", customer, "exact.accounts"))
        seen: list[str] = []

        def meanwhile(method: str, path: str) -> bool:
            if method == "PATCH" and path.startswith("/customers/") and not seen:
                seen.append(path)
                # Not over HTTP: the server is busy with this very call.
                store = world.stores["customerp"]
                held = store.get("customerp", "main", "customer", customer)
                assert held is not None
                store.update("customerp", "main", "customer", customer, held.body | {"Phone": "9"})
            return False

        world.interrupt(meanwhile)
        world.sync()
        world.interrupt(None)
        world.sync()
        assert seen
        assert world.show("customerp.customer", customer).get("Notes") is None
        assert world.rows("select * from talk.conflict") != []
