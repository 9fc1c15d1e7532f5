"""The user and the divisions, as Exact tells them."""

import pytest

from talk_assets.sandbox.exact.model import DIVISIONS, HRM_DIVISIONS, ME
from talk_assets_tests.sandbox.exact.site import DIVISION, Site


def test_the_user_has_all_that_is_on_record(site: Site) -> None:
    """A client that reads a property of the real user would fail here, or find it only there."""
    shown = site.http.get("/api/v1/current/Me").json()["d"]["results"][0]
    assert shown.keys() - {"__metadata"} == ME.properties.keys()
    assert (shown["DivisionCustomerName"], shown["DivisionCustomerCode"]) == ("Sandbox BV", f"{1:>18}")
    assert (shown["CurrentDivision"], shown["AccountingDivision"]) == (DIVISION, DIVISION)
    assert (shown["ServerTime"], shown["ServerUtcOffset"]) == ("/Date(1719835205000)/", 7200.0)
    assert (shown["FullName"], shown["EmployeeID"], shown["IsClientUser"]) == ("Sandbox Gebruiker", None, False)


def test_the_current_division_is_the_one_used_last(site: Site) -> None:
    """An app that trusts CurrentDivision would work with one division here, and write into another one there."""
    site.http.get("/api/v1/222/crm/Contacts")
    shown = site.http.get("/api/v1/current/Me").json()["d"]["results"][0]
    assert (shown["CurrentDivision"], shown["DivisionCustomerName"]) == (222, "Tweede BV")
    assert shown["AccountingDivision"] == DIVISION


def test_divisions_have_all_that_is_on_record(site: Site) -> None:
    """A client that looks for moves, archives or practice divisions could not be tried."""
    first, second = site.rows("system/Divisions")
    assert first.keys() - {"__metadata"} == DIVISIONS.properties.keys()
    assert first["__metadata"]["uri"] == f"{site.address}/api/v1/{DIVISION}/system/Divisions({DIVISION})"
    assert (first["Code"], first["Hid"], first["Current"], first["IsMainDivision"]) == (DIVISION, DIVISION, True, True)
    assert (second["Code"], second["Description"], second["Current"], second["IsMainDivision"]) == (
        222,
        "Tweede BV",
        False,
        False,
    )
    assert (first["DivisionMoveDate"], first["Status"], first["BlockingStatus"]) == (None, 1, 0)
    assert first["Customer"] != second["Customer"]
    assert [row["Code"] for row in site.rows("system/Divisions", filter="Description eq 'Tweede BV'")] == [222]


def test_one_division_is_read_by_its_number(site: Site) -> None:
    """A client that asks for its own division alone would have to read all of them."""
    assert site.get("system/Divisions(222)")["Description"] == "Tweede BV"
    assert site.get("hrm/Divisions(222)", select="HID").keys() == {"__metadata", "HID"}
    assert site.call("GET", "system/Divisions(999)").status_code == 404
    assert site.call("GET", "system/Divisions(x)").status_code == 400
    assert site.call("DELETE", "system/Divisions(222)").status_code == 405


def test_the_older_set_has_other_names(site: Site) -> None:
    """A client of the older set would read nothing, or take a division in use for one in the archive."""
    first, second = site.rows("hrm/Divisions")
    assert first.keys() - {"__metadata"} == HRM_DIVISIONS.properties.keys()
    assert (first["HID"], first["Main"], first["Status"]) == (DIVISION, True, 0)
    assert (second["HID"], second["Main"], second["CountryDescription"]) == (222, False, "Nederland")
    site.http.put("/_admin/divisions/222", json={"Status": 2, "ArchiveDate": "2024-01-01"})
    assert site.get("hrm/Divisions(222)")["Status"] == 1
    assert site.get("system/Divisions(222)")["ArchiveDate"] == "/Date(1704067200000)/"


def test_a_division_that_moves_counts_anew(site: Site, account: str) -> None:
    """A client that goes on from its cursor after a move would miss everything from then on."""
    site.state.edit("Accounts", account, {"Name": "Vos"})
    before = site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L")[0]["Timestamp"]
    site.clock.advance(minutes=5)
    moved = site.http.put(f"/_admin/divisions/{DIVISION}", json={"DivisionMoveDate": "2024-07-01"})
    assert moved.json()["DivisionMoveDate"] == "2024-07-01T00:00:00"
    shown = site.get(f"system/Divisions({DIVISION})")
    assert (shown["DivisionMoveDate"], shown["Modified"]) == ("/Date(1719792000000)/", "/Date(1719835505000)/")
    assert site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L")[0]["Timestamp"] < before
    site.state.edit("Accounts", account, {"Name": "Bos"})
    assert site.rows("sync/CRM/Accounts", filter=f"Timestamp gt {before}L") == []
    version = site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L")[0]["Timestamp"]
    site.http.put(f"/_admin/divisions/{DIVISION}", json={"DivisionMoveDate": "2024-07-01", "IsHRDivision": True})
    assert site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L")[0]["Timestamp"] == version
    site.http.put(f"/_admin/divisions/{DIVISION}", json={"DivisionHRLinkUnlinkDate": "2024-07-01T08:00:00"})
    assert site.rows("sync/CRM/Accounts", filter="Timestamp gt 1L")[0]["Timestamp"] < version


@pytest.mark.parametrize(
    ("number", "wish", "code"),
    [
        (222, {"Nonsense": 1}, 400),
        (222, {"Code": 1}, 400),
        (222, {"Current": True}, 400),
        (222, {"Status": "many"}, 400),
        (999, {"Status": 1}, 404),
    ],
)
def test_a_mistake_about_a_division_is_named(site: Site, number: int, wish: dict[str, object], code: int) -> None:
    """A test would believe that a division was moved or archived."""
    refused = site.http.put(f"/_admin/divisions/{number}", json=wish)
    assert (refused.status_code, bool(refused.json()["error"])) == (code, True)
    assert [item["Code"] for item in site.http.get("/_admin/divisions").json()["items"]] == [DIVISION, 222]
