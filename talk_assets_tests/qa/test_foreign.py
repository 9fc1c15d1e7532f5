"""The checklist, played on an ERP of another make, which a profile alone adapts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.installed import Home, Sandbox, home
from talk_assets_tests.systems.customerp.nordlys import SECRET, Nordlys
from talk_assets_tests.systems.loopback import loopback

PROFILE = Path(__file__).parents[2] / "docs" / "customerp-profile-example.yaml"


@pytest.fixture
def erp() -> Nordlys:
    return Nordlys(page=100, real_time=True)


@pytest.fixture
def adapted(erp: Nordlys, systems: Sandbox, database_server: DatabaseServer) -> Iterator[Home]:
    """An installation with that ERP in the place of Customerp."""
    with loopback(erp) as server:
        other = {"CUSTOMERP_URL": server.url, "CUSTOMERP_TOKEN": SECRET, "CUSTOMERP_PROFILE": str(PROFILE)}
        with home({**systems.settings, **other}, database_server) as made:
            yield made


@pytest.mark.soak
def test_the_document_holds_with_an_erp_that_a_profile_adapts(adapted: Home, systems: Sandbox, erp: Nordlys) -> None:
    """Whoever adapts the profile to an ERP has values in the books that the ERP never held."""
    division = systems.settings["EXACT_DIVISION"]
    confirmed = adapted.call("sync", "--confirm")
    assert confirmed.code == 0, confirmed.complaint
    assert adapted.call("sync").code == 0
    before = {kind: sorted(records) for kind, records in erp.records.items() if records}
    done = adapted.call("qa", "--live", "--division", division, "--json")
    assert done.out, done.complaint
    failed = [row for row in done.json["rows"] if row["outcome"] == "failed"]
    told = [f"{row['id']}: {row['expected']}, found {row['found']}: {row['reason']}" for row in failed]
    assert not told, "\n".join(told)
    assert done.code == 0, done.complaint
    assert done.json["counts"]["passed"] > 1000
    assert {kind: sorted(records) for kind, records in erp.records.items() if records} == before
