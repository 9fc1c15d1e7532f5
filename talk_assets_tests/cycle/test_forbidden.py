"""Records that are closed to changes: what a system forbids holds back nothing else of its set."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from talk_assets_tests.cycle.harness import World, open_world


def _an_hour_passes(world: World) -> None:
    with world.installation.ledger.begin() as connection:
        connection.execute(sa.text("update talk.owed set next_try = null"))
        connection.execute(sa.text("delete from talk.cursor where feed like 'failed calls %'"))


@pytest.mark.soak
def test_closed_records_hold_back_no_others(database_url: str, tmp_path: Path) -> None:
    """Some records that nobody may change would use up what Exact bears of refusals, and no other edit ever arrive."""
    with open_world(database_url, tmp_path) as world:
        closed = [world.add("customerp.customer", Name=f"Closed {n}", Website="closed.nl") for n in range(6)]
        good = world.add("customerp.customer", Name="Good")
        world.sync()
        account = world.twin("customerp.customer", good, "exact.accounts")
        at = {"method": "PUT", "path": "crm/Accounts", "match": {"Website": "closed.nl"}, "times": None}
        world.fault("exact", **at, status=403, message="Forbidden")
        for key in (*closed, good):
            world.edit("customerp.customer", key, Phone="2")
        world.sync()
        owed = {str(debt["key"]): debt for debt in world.owed("exact.accounts")}
        # What was not sent was not tried.
        assert owed[account]["attempts"] == 0
        assert "Exact has refused 6 calls" in owed[account]["reason"]
        assert sorted(debt["attempts"] for debt in owed.values()) == [0, 0, 1, 1, 1, 1, 1]
        _an_hour_passes(world)
        report = world.sync()
        assert world.show("exact.accounts", account)["Phone"] == "2"
        refused = [write for write in report.writes if write["outcome"] == "refused"]
        assert len(refused) == 3
        owed = {str(debt["key"]): debt for debt in world.owed("exact.accounts")}
        assert sorted(debt["attempts"] for debt in owed.values()) == [1, 1, 1, 1, 2, 2]
        assert all(debt["next_try"] is not None and "the record is there" in debt["reason"] for debt in owed.values())
        # Nor do they within the hour.
        for phone in ("3", "4"):
            world.edit("customerp.customer", good, Phone=phone)
            world.sync()
            assert world.show("exact.accounts", account)["Phone"] == phone
