"""What comes back when JSON is not asked for: Atom feeds and entries, errors, and `$metadata`."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import httpx
import pytest

from talk_assets.sandbox.exact.model import SETS
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running

ATOM = "{http://www.w3.org/2005/Atom}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
META = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"
PLAIN = {"Accept": "*/*"}
MODELS = "Exact.Web.Api.Models."


def parsed(answer: httpx.Response) -> Element:
    return ElementTree.fromstring(answer.content)


def read(site: Site, path: str, **options: str) -> Element:
    answer = site.call("GET", path, params={f"${name}": text for name, text in options.items()}, headers=PLAIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml;charset=utf-8"
    return parsed(answer)


def value(entry: Element, name: str) -> tuple[str | None, str | None]:
    """A property's Edm type and text."""
    found = entry.find(f"{ATOM}content/{META}properties/{DATA}{name}")
    assert found is not None, name
    assert (found.get(f"{META}null") == "true") == (found.text is None)
    return found.get(f"{META}type"), found.text


def test_a_moment_is_turned_into_a_row_version(site: Site, account: str, item: str) -> None:
    """A client that asks for no JSON would see the server fail; one that does would see a date of another kind."""
    site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    path, asked = "read/sync/Sync/SyncTimestamp", {"modified": "datetime'2024-07-01'", "endPoint": "'SalesOrderLines'"}
    row = site.call("GET", path, params=asked).json()["d"]["results"][0]
    assert row["__metadata"]["type"] == f"{MODELS}Sync.SyncTimestamp"
    assert row["Modified"] == "/Date(1719835205000)/"
    (entry,) = parsed(site.call("GET", path, params=asked, headers=PLAIN)).findall(f"{ATOM}entry")
    assert value(entry, "Modified") == ("Edm.DateTime", "2024-07-01T12:00:05")
    assert value(entry, "TimeStampAsBigInt") == ("Edm.Int64", str(row["TimeStampAsBigInt"]))


def test_an_entry_tells_types_and_spells_dates(site: Site, account: str) -> None:
    """A client that reads XML would take a date for a number of milliseconds, or every value for text."""
    contact = site.post("crm/Contacts", Account=account, LastName="Vos & <Zn>\u0001", BirthDate="1980-02-29")
    entry = read(site, f"crm/Contacts(guid'{contact['ID']}')")
    assert entry.tag == f"{ATOM}entry"
    assert entry.findtext(f"{ATOM}id") == contact["__metadata"]["uri"]
    category = entry.find(f"{ATOM}category")
    assert category is not None
    assert category.get("term") == f"{MODELS}Contact"
    assert value(entry, "LastName") == (None, "Vos & <Zn>")
    assert value(entry, "BirthDate") == ("Edm.DateTime", "1980-02-29T00:00:00")
    assert value(entry, "ID") == ("Edm.Guid", contact["ID"])
    assert value(entry, "HID") == ("Edm.Int32", "1")
    assert value(entry, "IsMailingExcluded") == ("Edm.Boolean", "false")
    assert value(entry, "Email") == (None, None)


def test_collections_are_links_or_lie_inside(site: Site, account: str, item: str) -> None:
    """Lines would be missing from a document that is read as XML."""
    key = site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}, {"Item": item}])
    path = f"crm/Quotations(guid'{key}')"

    def lines(entry: Element) -> Element:
        return next(link for link in entry.iter(f"{ATOM}link") if link.get("title") == "QuotationLines")

    link = lines(read(site, path))
    assert link.find(f"{META}inline") is None
    feed = parsed(site.http.get(str(link.get("href")), headers=PLAIN))
    assert len(feed.findall(f"{ATOM}entry")) == 2
    inline = lines(read(site, path, expand="QuotationLines")).findall(f"{META}inline/{ATOM}feed/{ATOM}entry")
    assert [value(line, "LineNumber") for line in inline] == [("Edm.Int32", "1"), ("Edm.Int32", "2")]


def test_a_feed_counts_its_rows_and_leads_to_the_next_page() -> None:
    """A client that reads XML would stop after its first page."""
    with running(page_size=2) as site:
        site.log_in()
        for n in range(3):
            site.state.add("Items", {"Code": str(n), "Description": "x"})
        feed = read(site, "logistics/Items", filter="Code ne ''", inlinecount="allpages")
        assert feed.findtext(f"{META}count") == "3"
        assert feed.findtext(f"{ATOM}title") == "Items"
        following = next(str(link.get("href")) for link in feed.findall(f"{ATOM}link") if link.get("rel") == "next")
        last = parsed(site.http.get(following, headers=PLAIN))
        assert len(last.findall(f"{ATOM}entry")) == 1
        assert len(read(site, "logistics/Items", filter="Code ne ''", top="2").findall(f"{ATOM}entry")) == 2
        rows = read(site, "sync/Logistics/Items", filter="Timestamp gt 1L")
        assert value(rows.findall(f"{ATOM}entry")[0], "Timestamp")[0] == "Edm.Int64"


def test_what_is_created_and_what_the_server_tells_of_itself_come_as_entries(site: Site) -> None:
    """A client that forgets the header on writes would get JSON here and XML from Exact."""
    answer = site.call("POST", "crm/Accounts", json={"Name": "Vos"}, headers=PLAIN)
    assert answer.status_code == 201
    assert value(parsed(answer), "Name") == (None, None)
    me = parsed(site.http.get("/api/v1/current/Me", headers=PLAIN)).findall(f"{ATOM}entry")
    assert value(me[0], "CurrentDivision") == ("Edm.Int32", str(DIVISION))
    divisions = read(site, "system/Divisions").findall(f"{ATOM}entry")
    assert {value(division, "Hid")[0] for division in divisions} == {"Edm.Int64"}
    assert read(site, "sync/Deleted").findall(f"{ATOM}entry") == []


def test_an_error_is_told_as_xml(site: Site) -> None:
    """The words of a refusal could not be found where a client looks for them."""
    for answer, status in (
        (site.call("GET", "crm/Accounts", headers=PLAIN), 400),
        (site.call("POST", "crm/Accounts", json={"Name": "<" * 60}, headers=PLAIN), 500),
        (site.http.get("/api/v1/999/crm/Accounts", headers=PLAIN), 403),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/xml"
        error = parsed(answer)
        assert error.tag == f"{META}error"
        assert [part.tag for part in error] == [f"{META}code", f"{META}message"]
        assert error.findtext(f"{META}message")


@pytest.mark.parametrize("name", sorted(SETS))
def test_metadata_declares_what_the_sets_show(site: Site, account: str, item: str, name: str) -> None:
    """A client that makes its models from $metadata would lack a property, or ask for one that is not there."""
    entity_set = SETS[name]
    site.state.add("Employees", {"LastName": "Bos"})
    site.state.add("Contacts", {"Account": account, "LastName": "Bos"})
    site.state.add_document("Quotations", {"OrderAccount": account}, [{"Item": item}])
    site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}])
    for path in (entity_set.path, f"sync/{entity_set.sync_path}"):
        service, _, set_name = path.rpartition("/")
        answer = site.call("GET", f"{service}/$metadata", headers=PLAIN)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/xml;charset=utf-8"
        document = parsed(answer)
        kinds = {kind.get("Name"): kind for kind in document.iter(f"{EDM}EntityType")}
        declared = {found.get("Name"): found.get("EntityType") for found in document.iter(f"{EDM}EntitySet")}
        assert declared[set_name] == MODELS + entity_set.type_name
        kind = kinds[entity_set.type_name]
        names = {p.get("Name") for tag in ("Property", "NavigationProperty") for p in kind.iter(f"{EDM}{tag}")}
        shown = site.rows(path, **({"filter": f"{entity_set.key} ne null"} if path == entity_set.path else {}))[0]
        assert names == set(shown) - {"__metadata"}
        assert [key.get("Name") for key in kind.iter(f"{EDM}PropertyRef")] == [entity_set.key]
        longest = {p.get("Name"): p.get("MaxLength") for p in kind.iter(f"{EDM}Property") if p.get("MaxLength")}
        assert longest == {
            p.name: str(p.max_length) for p in entity_set.properties.values() if p.max_length and p.name in names
        }


def test_metadata_holds_together(site: Site) -> None:
    """A program that reads $metadata would stop at a type that is named and nowhere declared."""
    for service in ("crm", "salesorder", "logistics", "payroll", "system", "sync/CRM", "bulk/SalesOrder"):
        document = parsed(site.call("GET", f"{service}/$metadata"))
        declared = {
            f"{schema.get('Namespace')}.{kind.get('Name')}"
            for schema in document.iter(f"{EDM}Schema")
            for tag in ("EntityType", "Association")
            for kind in schema.findall(f"{EDM}{tag}")
        }
        named = {end.get("Type") for end in document.iter(f"{EDM}End") if end.get("Type")}
        named |= {found.get("EntityType") for found in document.iter(f"{EDM}EntitySet")}
        named |= {found.get("Relationship") for found in document.iter(f"{EDM}NavigationProperty")}
        assert named <= declared, service
    assert site.call("GET", "nonsense/$metadata").status_code == 404
    refused = site.call("POST", "crm/$metadata")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")
