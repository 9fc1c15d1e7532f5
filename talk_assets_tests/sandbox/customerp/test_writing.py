"""Creates, changes and removals, and what is refused."""

from typing import Any

import pytest

from talk_assets_tests.sandbox.customerp.site import Site


def test_create_answers_the_whole_record_with_its_version(site: Site) -> None:
    """Without it the platform could not store what the target holds after its own insert."""
    answer = site.http.post("/customers", json={"Name": "Bakker V.O.F."})
    record = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/customers/{record['Id']}"
    assert answer.headers["etag"] == f'"{record["Version"]}"'
    assert record["Number"]
    assert record["City"] is None
    assert site.get(f"/customers/{record['Id']}") == record


def test_patch_changes_what_it_names_and_nothing_else(site: Site) -> None:
    """Without it properties that no mapping names would be lost."""
    before = site.create("/customers", Name="a", Notes="untouched", CreditLimit=10, City="Oslo")
    after = site.patch(f"/customers/{before['Id']}", City=None, Phone="+47 22 00 00 00")
    assert after["Version"] != before["Version"]
    assert after["Modified"] > before["Modified"]
    changed = {name for name in before if before[name] != after[name]} - {"Version", "Modified"}
    assert changed == {"City", "Phone"}


def test_if_match_guards_against_a_lost_update(site: Site, customer: str) -> None:
    """Without it a conditional write would overwrite what a user has just saved."""
    tag = site.http.get(f"/customers/{customer}").headers["etag"]
    site.patch(f"/customers/{customer}", City="Breda")
    for method in ("PATCH", "DELETE"):
        answer = site.http.request(method, f"/customers/{customer}", json={"City": "x"}, headers={"If-Match": tag})
        assert answer.status_code == 412
    assert site.get(f"/customers/{customer}")["City"] == "Breda"
    now = site.http.get(f"/customers/{customer}").headers["etag"]
    assert site.http.patch(f"/customers/{customer}", json={"City": "x"}, headers={"If-Match": now}).status_code == 200


def test_idempotency_key_creates_once(site: Site) -> None:
    """Without it an insert whose answer was lost would be a duplicate when it is sent again."""
    wish: dict[str, Any] = {"json": {"Name": "once"}, "headers": {"Idempotency-Key": "k1"}}
    first = site.http.post("/customers", **wish)
    site.patch(f"/customers/{first.json()['Id']}", City="Oslo")
    again = site.http.post("/customers", **wish)
    assert (again.status_code, again.content, again.headers["location"]) == (
        201,
        first.content,
        first.headers["location"],
    )
    assert len(site.changes("/customers")[0]) == 1
    other = site.http.post("/customers", json={"Name": "other"}, headers=wish["headers"])
    assert other.status_code == 422


def test_failed_create_leaves_its_idempotency_key_free(site: Site) -> None:
    """Without it a corrected insert would be answered with the old refusal for ever."""
    headers = {"Idempotency-Key": "k2"}
    assert site.http.post("/customers", json={"City": "x"}, headers=headers).status_code == 422
    assert site.http.post("/customers", json={"Name": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("path", "values", "faults"),
    [
        ("/customers", {}, {"Name"}),
        ("/customers", {"Name": ""}, {"Name"}),
        ("/customers", {"Name": "a", "Color": "red"}, {"Color"}),
        ("/customers", {"Name": "a", "Id": "x", "Modified": "y", "Version": "z"}, {"Id", "Modified", "Version"}),
        ("/customers", {"Name": "a" * 101, "Country": "nl"}, {"Name", "Country"}),
        ("/customers", {"Name": 5, "CreditLimit": "5"}, {"Name", "CreditLimit"}),
        ("/customers", {"Name": "a", "CreditLimit": True}, {"CreditLimit"}),
        ("/customers", {"Name": "a", "Lines": []}, {"Lines"}),
        ("/contacts", {"Email": "a@b.example"}, {"FirstName"}),
        ("/contacts", {"FirstName": "Jan", "CustomerId": "cus-999999"}, {"CustomerId"}),
        ("/contacts", {"LastName": "Vos", "BirthDate": "1980-02-31", "Newsletter": 1}, {"BirthDate", "Newsletter"}),
        ("/employees", {"LastName": "Vos", "StartDate": "20240131"}, {"StartDate"}),
        ("/products", {"Unit": "parsec"}, {"Number", "Name", "Unit"}),
        ("/quotes", {"Status": "open soon", "Currency": "EURO"}, {"Status", "Currency"}),
        ("/quotes", {"Lines": {}}, {"Lines"}),
        ("/orders", {"QuoteId": "quo-000001", "OrderDate": "31-01-2024"}, {"QuoteId", "OrderDate"}),
    ],
)
def test_refusals_name_every_property_at_fault(site: Site, path: str, values: dict[str, Any], faults: set[str]) -> None:
    """Without it nobody could tell which property keeps a record from being saved."""
    assert set(site.refused("POST", path, **values)) == faults
    assert site.changes(path)[0] == []


def test_patch_is_held_to_the_same_rules(site: Site, customer: str) -> None:
    """Without it an update could empty what a create must fill."""
    assert set(site.refused("PATCH", f"/customers/{customer}", Name=None)) == {"Name"}
    assert set(site.refused("PATCH", f"/customers/{customer}", Nme="x")) == {"Nme"}
    assert site.refused("PATCH", f"/customers/{customer}") == {}
    contact = site.create("/contacts", FirstName="Jan", LastName="Vos")["Id"]
    site.patch(f"/contacts/{contact}", FirstName=None)
    assert set(site.refused("PATCH", f"/contacts/{contact}", LastName=None)) == {"FirstName"}


def test_numbers_are_unique_and_given_out_when_missing(site: Site) -> None:
    """Without it two customers could carry the number by which Exact knows one of them."""
    first = site.create("/customers", Name="a", Number="1")
    assert site.http.post("/customers", json={"Name": "b", "Number": "1"}).status_code == 409
    second = site.create("/customers", Name="c")
    assert second["Number"] not in (None, first["Number"])
    assert site.http.patch(f"/customers/{second['Id']}", json={"Number": "1"}).status_code == 409
    assert site.patch(f"/customers/{first['Id']}", Number="1")["Number"] == "1"


def test_what_is_referred_to_stays(site: Site, customer: str, product: str) -> None:
    """Without it a removal would leave documents without their customer or product."""
    quote = site.create("/quotes", CustomerId=customer, Lines=[{"ProductId": product}])
    for path in (f"/customers/{customer}", f"/products/{product}"):
        answer = site.http.delete(path)
        assert answer.status_code == 409
        assert quote["Id"] in answer.json()["detail"]
    assert site.http.delete(f"/quotes/{quote['Id']}").status_code == 204
    assert site.http.delete(f"/customers/{customer}").status_code == 204


def test_body_that_is_no_object_is_refused(site: Site) -> None:
    """Without it a malformed write would end as a server fault, which clients send again."""
    for content in ("", "[]", "{", '{"Name": NaN}'):
        assert site.http.post("/customers", content=content).status_code == 400


def test_wrong_method_is_refused(site: Site, customer: str) -> None:
    """Without it a client that puts whole records would believe that it had saved them."""
    answer = site.http.put(f"/customers/{customer}", json={"Name": "x"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PATCH, DELETE"
