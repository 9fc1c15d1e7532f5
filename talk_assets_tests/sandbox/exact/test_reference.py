"""The sandbox against the facts it was made from: what is declared, and what calls over HTTP do with every property.

Where the sandbox differs on purpose, the difference is named here with its reason.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from talk_assets.sandbox.exact.model import SETS, Property
from talk_assets_tests.sandbox.exact.reference import facts, fields
from talk_assets_tests.sandbox.exact.site import Site, message

LINES = "lines are written under their document or one by one; their own set is tried by itself"
CHARGES = "charge lines are not kept here; a document that brings some is refused in words"
FOLLOWS = "the amounts of a line follow from one another, so that no single one can be set against the others"
# Properties that the reference has accepted on POST or PUT and that do not come back as sent, and why.
NOT_AS_SENT = {
    "Contacts.Picture": "write-only: reads show PictureUrl (reference, Contacts)",
    "Items.Picture": "write-only: reads show PictureUrl (reference, Items)",
    "Quotations.QuotationLines": LINES,
    "SalesOrders.SalesOrderLines": LINES,
    "Quotations.QuotationOrderChargeLines": CHARGES,
    "SalesOrders.SalesOrderOrderChargeLines": CHARGES,
    "SalesOrderLines.OrderNumber": "the number of the order it lies under; another one could not be true",
    "SalesOrderLines.AmountFC": FOLLOWS,
    "SalesOrderLines.NetPrice": FOLLOWS,
    "SalesOrderLines.VATAmount": FOLLOWS,
    "QuotationLines.NetPrice": FOLLOWS,
}
# Properties that the reference has accepted on PUT (mostly assumed, mark C+U?) and that are refused here, and why.
REFUSED_ON_UPDATE = {
    "Quotations.QuotationLines": "a header PUT with nested lines is not documented (reference, uncertain 25)",
    "SalesOrders.SalesOrderLines": "a header PUT with nested lines is not documented (reference, uncertain 25)",
    "SalesOrders.SalesOrderOrderChargeLines": CHARGES,
    "SalesOrderLines.OrderID": "a line that moves to another order would change both; nobody has recorded that",
}
# Ticked as mandatory in the reference, yet not needed here, and why.
NOT_REQUIRED = {
    "Contacts.FirstName": "one of the two names is enough (reference, Contacts, and uncertain 20)",
}
# Sets of the sandbox that the facts do not cover: what the server tells of itself.
OWN = {"Divisions", "Me", "Deleted", "SyncTimestamp"}
GUID = "3f0c1f1e-7d1a-4c52-9a3e-2b8f6f0d9c11"
SAMPLES: dict[str, Any] = {
    "Boolean": True,
    "Byte": 1,
    "Int16": 2,
    "Int32": 7,
    "Int64": 7,
    "Double": 1.5,
    "DateTime": "2024-02-29T00:00:00",
    "Guid": GUID,
    "Binary": "cGljdHVyZQ==",
}
CODED = {
    "Code": "77", "Status": "P", "Country": "BE", "Unit": "hour", "UnitCode": "hour", "VATCode": "1",
    "SalesVATCode": "1", "SalesVatCode": "1", "PurchaseVATCode": "3", "Currency": "USD", "SalesCurrency": "USD",
    "PurchaseCurrency": "GBP", "CostPriceCurrency": "USD",
}  # fmt: skip
REFERENCES = {
    "Accounts": {"MainContact", "Parent", "InvoiceAccount", "Reseller", "Accountant"},
    "Contacts": {"Account"},
    "QuotationLines": {"QuotationID", "Item"},
    "SalesOrderLines": {"OrderID", "Item"},
    "Quotations": {"OrderAccount", "InvoiceAccount", "DeliveryAccount", "OrderAccountContact", "InvoiceAccountContact"}
    | {"DeliveryAccountContact"},
    "SalesOrders": {"OrderedBy", "DeliverTo", "InvoiceTo", "OrderedByContactPerson", "DeliverToContactPerson"}
    | {"InvoiceToContactPerson"},
}
WRITABLE = sorted(name for name in SETS if SETS[name].writable)


class World:
    """Records for others to refer to."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.account = site.state.add("Accounts", {"Name": "Vos"})
        self.contact = site.state.add("Contacts", {"Account": self.account, "LastName": "Bos"})
        self.item = site.state.add("Items", {"Code": "A1", "Description": "Ding", "StandardSalesPrice": 10})
        line = [{"Item": self.item}]
        self.quotation = site.state.add_document("Quotations", {"OrderAccount": self.account}, line)
        self.order = site.state.add_document("SalesOrders", {"OrderedBy": self.account}, line)

    def referred(self, name: str) -> str:
        """A record that a reference of this name can point to."""
        named = {"QuotationID": self.quotation, "OrderID": self.order, "Item": self.item}
        return named.get(name, self.contact if "Contact" in name else self.account)

    def sample(self, set_name: str, prop: Property) -> Any:
        """A value that fits a property."""
        if prop.name in REFERENCES.get(set_name, ()):
            return self.referred(prop.name)
        if prop.type == "String":
            return CODED.get(prop.name, "abc")[: prop.max_length]
        return SAMPLES[prop.type]

    def record(self, set_name: str) -> dict[str, Any]:
        """What a POST of a set needs."""
        records: dict[str, dict[str, Any]] = {
            "Accounts": {"Name": "Nieuw"},
            "Contacts": {"Account": self.account, "LastName": "Nieuw"},
            "Items": {"Code": "N", "Description": "Nieuw"},
            "Quotations": {"OrderAccount": self.account, "QuotationLines": [{"Item": self.item}]},
            "QuotationLines": {"QuotationID": self.quotation, "Item": self.item},
            "SalesOrders": {"OrderedBy": self.account, "SalesOrderLines": [{"Item": self.item}]},
            "SalesOrderLines": {"OrderID": self.order, "Item": self.item},
        }
        return records[set_name]


@pytest.fixture
def world(site: Site) -> World:
    return World(site)


def plain(value: Any) -> Any:
    """A shown value as it would be sent: without padding, dates as ISO text."""
    if isinstance(value, str) and value.startswith("/Date("):
        return datetime.fromtimestamp(int(value[6:-2]) / 1000, UTC).replace(tzinfo=None).isoformat()
    return value.strip() if isinstance(value, str) else value


def test_the_differences_that_are_named_are_still_there() -> None:
    """A reason would be given for what the reference does not even say."""
    known = {f"{name}.{field}" for name in facts() for field in fields(name)}
    assert {*NOT_AS_SENT, *REFUSED_ON_UPDATE, *NOT_REQUIRED} <= known
    assert all(SETS[name.partition(".")[0]].properties[name.partition(".")[2]].required for name in NOT_REQUIRED)


def test_every_set_is_declared() -> None:
    """A whole entity could be missing without a test that fails."""
    assert set(SETS) == set(facts())
    assert not OWN & set(SETS)


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_property_is_declared_as_documented(name: str) -> None:
    """The sandbox would take or show what the real Exact does not, and tests would prove nothing."""
    declared = {p.name: p for p in SETS[name].properties.values() if p.ordinary}
    assert set(declared) == set(fields(name))
    for field, fact in fields(name).items():
        prop = declared[field]
        write = "always" if fact["updatable"] else "create" if fact["writable"] else "never"
        assert (f"Edm.{prop.type}" if not prop.is_collection else prop.type) == fact["type"], field
        assert (prop.write, prop.required, prop.max_length, prop.satisfies_filter) == (
            write,
            fact["required"],
            fact.get("maxlen"),
            bool(fact.get("mandatory_filter_candidate")),
        ), field
        assert (SETS[name].key == field) == fact.get("key", False), field


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_is_where_it_is_documented(name: str) -> None:
    """A connector that works here would get 404 from the real Exact, or miss deletions."""
    entity_set, fact = SETS[name], facts()[name]
    root = "/api/v1/{division}/"
    assert root + entity_set.path == fact["endpoint"]
    assert f"{root}sync/{entity_set.sync_path}" == fact["sync"]["endpoint"]
    assert (root + f"bulk/{entity_set.bulk_path}" if entity_set.bulk_path else None) == fact["bulk_endpoint"]
    assert (entity_set.key, entity_set.scope, entity_set.deleted_type) == (
        fact["key"],
        fact["scope"],
        fact["sync"]["deleted_entity_types"][0],
    )
    assert entity_set.writable == ("POST" in fact["methods"])
    assert entity_set.mandatory_filter == fact["filter_mandatory_on_list"]
    visible, in_sync = set(entity_set.visible("ordinary")), set(entity_set.visible("sync"))
    assert in_sync - visible == set(fact["sync"]["extra_fields"])
    assert visible - in_sync == set(fact["sync"]["missing_fields"])


@pytest.mark.parametrize("name", sorted(SETS))
def test_what_only_a_sync_set_has_is_read_only_and_of_the_type_it_has_elsewhere(name: str) -> None:
    """The facts give only the names of these; a wrong type would make a feed misread them."""
    types: dict[str, set[str]] = {}
    for other in facts():
        for field, fact in fields(other).items():
            types.setdefault(field, set()).add(fact["type"])
    types |= {"Timestamp": {"Edm.Int64"}, "ID": {"Edm.Guid"}}
    for field in facts()[name]["sync"]["extra_fields"]:
        prop = SETS[name].properties[field]
        assert (prop.write, prop.required, prop.satisfies_filter) == ("never", False, False), field
        assert f"Edm.{prop.type}" in types.get(field, {f"Edm.{prop.type}"}), field


@pytest.mark.parametrize("name", WRITABLE)
def test_whatever_a_create_accepts_comes_back(name: str, world: World) -> None:
    """A write would seem to work and be gone, or be refused although Exact takes it."""
    entity_set = SETS[name]
    sent = {
        field: world.sample(name, entity_set.properties[field])
        for field, fact in fields(name).items()
        if fact["writable"] and not entity_set.properties[field].is_collection
    }
    shown = world.site.post(entity_set.path, **world.record(name) | sent)
    for field, value in sent.items():
        if f"{name}.{field}" not in NOT_AS_SENT:
            assert plain(shown[field]) == value, field


@pytest.mark.parametrize("name", WRITABLE)
def test_an_update_changes_what_it_may_and_nothing_else(name: str, world: World) -> None:
    """A read-only property would be overwritten, or an edit that Exact takes would be refused."""
    entity_set, site = SETS[name], world.site
    key = site.post(entity_set.path, **world.record(name))[entity_set.key]
    before = site.one(entity_set.path, key)
    for field, fact in fields(name).items():
        prop = entity_set.properties[field]
        if prop.is_collection:
            continue
        value = world.sample(name, prop)
        if prop.write == "create" and field in REFERENCES.get(name, ()):
            value = GUID
        answer = site.put(entity_set.path, key, **{field: value})
        now = site.one(entity_set.path, key)[field]
        if not fact["writable"]:
            # Another property that this test has changed may show in it; what was sent may not.
            assert answer.status_code == 204, field
            assert plain(now) != value or now == before[field], field
        elif not fact["updatable"]:
            assert (answer.status_code, message(answer)) == (500, f"Niet te wijzigen na aanmaken: {field}")
            assert now == before[field], field
        elif f"{name}.{field}" not in {*NOT_AS_SENT, *REFUSED_ON_UPDATE}:
            assert answer.status_code == 204, (field, answer.text)
            assert plain(now) == value, field


@pytest.mark.parametrize("name", sorted(REFUSED_ON_UPDATE))
def test_updates_that_nobody_has_recorded_are_refused_in_words(name: str, world: World) -> None:
    """The sandbox would pretend to know what Exact makes of them."""
    set_name, _, field = name.partition(".")
    entity_set, site = SETS[set_name], world.site
    key = site.post(entity_set.path, **world.record(set_name))[entity_set.key]
    other = site.state.add_document("SalesOrders", {"OrderedBy": world.account}, [{"Item": world.item}])
    value = [{"Item": world.item}] if entity_set.properties[field].is_collection else other
    answer = site.put(entity_set.path, key, **{field: value})
    assert answer.status_code == 500
    assert field in message(answer)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_create_needs_what_is_mandatory(name: str, world: World) -> None:
    """A record that Exact refuses would be made here."""
    whole = world.record(name)
    for field, fact in fields(name).items():
        if fact["required"] and f"{name}.{field}" not in NOT_REQUIRED:
            part = {name: value for name, value in whole.items() if name != field}
            answer = world.site.call("POST", SETS[name].path, json=part)
            assert (answer.status_code, message(answer)) == (500, f"Verplicht: {field}")
    assert world.site.call("POST", SETS[name].path, json=whole).status_code == 201


@pytest.mark.parametrize("name", WRITABLE)
def test_texts_are_as_long_as_documented_and_no_longer(name: str, world: World) -> None:
    """A text that the real Exact refuses would be taken, or one that fits be refused."""
    entity_set, site = SETS[name], world.site
    key = site.post(entity_set.path, **world.record(name))[entity_set.key]
    for field, fact in fields(name).items():
        longest = fact.get("maxlen")
        if not (longest and fact["updatable"] and entity_set.properties[field].type == "String"):
            continue
        digit = "7" if field == "Code" else "x"
        answer = site.put(entity_set.path, key, **{field: digit * (longest + 1)})
        assert (answer.status_code, message(answer)) == (500, f"Te lang: {field} (maximaal {longest} tekens)")
        if field not in CODED or field == "Code":
            assert site.put(entity_set.path, key, **{field: digit * longest}).status_code == 204, field


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_list_is_content_with_each_listed_property_and_with_no_other(name: str, world: World) -> None:
    """A read would be planned that Exact refuses, or one that it allows be refused."""
    entity_set = SETS[name]
    paths = [entity_set.path] + ([f"bulk/{entity_set.bulk_path}"] if entity_set.bulk_path else [])
    for field, fact in fields(name).items():
        if entity_set.properties[field].is_collection or fact["type"] == "Edm.Binary":
            continue
        enough = not facts()[name]["filter_mandatory_on_list"] or fact.get("mandatory_filter_candidate")
        for path in paths:
            options = {"$filter": f"{field} ne null", "$select": entity_set.key, "$top": "1"}
            answer = world.site.call("GET", path, params=options)
            assert answer.status_code == (200 if enough else 400), (path, field)


@pytest.mark.parametrize("name", sorted(SETS))
def test_only_the_documented_verbs_are_there(name: str, world: World) -> None:
    """A write would be planned that Exact has no way for."""
    methods, path = facts()[name]["methods"], SETS[name].path
    for method, place in (("POST", path), ("PUT", f"{path}(guid'{GUID}')"), ("DELETE", f"{path}(guid'{GUID}')")):
        answer = world.site.call(method, place, json={})
        assert (answer.status_code == 405) == (method not in methods), method
