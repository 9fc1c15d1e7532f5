"""The POST-only sets that change the status of quotations and sales orders."""

from typing import Any

import httpx
import pytest

from talk_assets.sandbox.exact.model import ACTIONS
from talk_assets_tests.sandbox.exact.receiver import counts, receiving, until
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, message, running

LAYOUT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def quotation(site: Site, account: str, item: str) -> str:
    lines = [{"Item": item, "Quantity": 2, "UnitPrice": 8, "Discount": 0.25}, {"Item": item, "Optional": True}]
    return site.state.add_document("Quotations", {"OrderAccount": account, "YourRef": "R1"}, lines)


@pytest.fixture
def order(site: Site, account: str, item: str) -> str:
    return site.state.add_document("SalesOrders", {"OrderedBy": account}, [{"Item": item}, {"Item": item}])


def act(site: Site, action: str, key: str, **values: Any) -> httpx.Response:
    entity_set = ACTIONS[action]
    return site.call("POST", entity_set.path, json={entity_set.key: key} | values)


def status(site: Site, key: str) -> int:
    return int(site.one("crm/Quotations", key)["Status"])


def test_a_quotation_is_printed_and_accepted(site: Site, quotation: str) -> None:
    """How a quotation becomes an order, and what a sync sees of it, could not be tried."""
    before = site.rows("sync/CRM/QuotationHeaders", filter="Timestamp gt 1L")[0]["Timestamp"]
    printed = act(site, "PrintQuotation", quotation, QuotationDate="2024-06-30")
    assert printed.status_code == 201
    shown = printed.json()["d"]
    assert (shown["QuotationID"], shown["Division"], shown["DocumentCreationError"]) == (quotation, DIVISION, None)
    assert None not in (shown["Document"], shown["DocumentCreationSuccess"])
    assert status(site, quotation) == 40
    accepted = act(site, "AcceptQuotation", quotation, YourRef="R2").json()["d"]
    assert (accepted["SuccessMessage"], accepted["ErrorMessage"]) == ("De offerte is geaccepteerd.", None)
    assert accepted["__metadata"]["type"] == "Exact.Web.Api.Models.AcceptQuotation"
    row = site.rows("sync/CRM/QuotationHeaders", filter=f"Timestamp gt {before}L")[0]
    assert (row["Status"], row["StatusDescription"], row["YourRef"]) == (50, "Accepted", "R2")
    assert (row["QuotationDate"], row["CloseDate"]) == ("/Date(1719705600000)/", "/Date(1719792000000)/")
    assert site.state.reader().get("SalesOrders", None) is None
    assert site.rows("salesorder/SalesOrders", filter="OrderNumber gt 0") == []


def test_acceptance_makes_an_order_when_asked(site: Site, quotation: str, account: str, item: str) -> None:
    """A quotation and its order would not be alike, so that their flow could not be tried."""
    act(site, "PrintQuotation", quotation)
    optional = site.rows("crm/QuotationLines", filter="Optional eq true")[0]["ID"]
    accepted = act(
        site, "AcceptQuotation", quotation, Action=1, OptionalQuotationLineIDs=[{"ID": optional}], YourRef="R3"
    )
    assert accepted.json()["d"]["SalesOrderSuccess"] == "Verkooporder 1 is aangemaakt."
    order = site.get("salesorder/SalesOrders", filter="OrderNumber eq 1", expand="SalesOrderLines")["results"][0]
    assert (order["OrderedBy"], order["YourRef"], order["AmountFCExclVat"]) == (account, "R3", 22.0)
    assert [(line["Item"], line["Quantity"], line["NetPrice"]) for line in order["SalesOrderLines"]["results"]] == [
        (item, 2.0, 6.0),
        (item, 1.0, 10.0),
    ]


def test_optional_lines_stay_behind(site: Site, quotation: str) -> None:
    """An order would hold what the customer did not choose."""
    act(site, "PrintQuotation", quotation)
    act(site, "AcceptQuotation", quotation, Action=1)
    assert len(site.rows("salesorder/SalesOrderLines", filter="OrderNumber eq 1")) == 1


def test_a_quotation_is_rejected_and_reopened(site: Site, quotation: str) -> None:
    """What becomes of a quotation that was lost and won back could not be tried."""
    act(site, "PrintQuotation", quotation)
    assert act(site, "RejectQuotation", quotation).status_code == 201
    shown = site.one("crm/Quotations", quotation)
    assert (shown["Status"], shown["CloseDate"]) == (5, "/Date(1719792000000)/")
    assert act(site, "ReopenQuotation", quotation).status_code == 201
    shown = site.one("crm/Quotations", quotation)
    assert (shown["Status"], shown["CloseDate"]) == (40, None)


def test_a_review_closes_a_quotation_and_leaves_its_next_version(site: Site, quotation: str) -> None:
    """A client that links by number would take the next version for the same record, or fail on it."""
    act(site, "PrintQuotation", quotation)
    reviewed = act(site, "ReviewQuotation", quotation, Description="Tweede", QuotationDate="2024-07-02").json()["d"]
    old, new = (site.one("crm/Quotations", key) for key in (quotation, reviewed["NewQuotationID"]))
    assert (old["Status"], old["VersionNumber"], new["Status"], new["VersionNumber"]) == (6, 1, 25, 2)
    assert new["QuotationNumber"] == old["QuotationNumber"]
    assert (new["Description"], new["YourRef"], new["QuotationDate"]) == ("Tweede", "R1", "/Date(1719878400000)/")
    assert new["AmountFC"] == old["AmountFC"] == 22.0
    again = act(site, "ReviewQuotation", quotation)
    assert "(Reviewed and closed)" in message(again)
    act(site, "PrintQuotation", new["QuotationID"])
    third = act(site, "ReviewQuotation", new["QuotationID"], CopyItemPrices=False).json()["d"]["NewQuotationID"]
    assert (site.one("crm/Quotations", third)["AmountFC"], site.one("crm/Quotations", third)["VersionNumber"]) == (
        30,
        3,
    )


def test_a_quotation_that_was_mailed_does_what_was_agreed(site: Site, quotation: str) -> None:
    """Online sign-off, with its status of its own, could not be tried."""
    assert message(act(site, "EmailWithSignOffQuotation", quotation)) == "Verplicht: EmailLayout"
    mailed = act(site, "EmailWithSignOffQuotation", quotation, EmailLayout=LAYOUT, Action=1)
    assert mailed.status_code == 201
    assert status(site, quotation) == 60
    assert act(site, "AcceptQuotation", quotation, Action=99).json()["d"]["SalesOrderSuccess"] is not None
    assert status(site, quotation) == 50


@pytest.mark.parametrize(
    ("action", "possible"),
    [
        ("PrintQuotation", {20, 25, 40}),
        ("EmailWithSignOffQuotation", {20, 25, 40}),
        ("AcceptQuotation", {40, 60, 70}),
        ("RejectQuotation", {40, 60}),
        ("ReopenQuotation", {5, 50, 70}),
        ("ReviewQuotation", {5, 40, 60}),
    ],
)
def test_an_impossible_move_is_refused(site: Site, quotation: str, action: str, possible: set[int]) -> None:
    """A client would move a document here that the real Exact holds where it is."""
    values = {"EmailLayout": LAYOUT} if action == "EmailWithSignOffQuotation" else {}
    for held in (5, 6, 10, 20, 25, 35, 40, 50, 60, 70):
        site.state.edit("Quotations", quotation, {"Status": held})
        answer = act(site, action, quotation, **values)
        if held in possible:
            assert answer.status_code == 201, held
        else:
            assert (answer.status_code, f"{action} bij een offerte met status {held}" in message(answer)) == (500, True)
            assert status(site, quotation) == held


def test_what_an_action_cannot_take_is_named(site: Site, quotation: str) -> None:
    """A mistake in a call would go unnoticed until the real Exact sees it."""
    act(site, "PrintQuotation", quotation)
    for values, code, said in (
        ({"QuotationID": None}, 500, "Verplicht: QuotationID"),
        ({"QuotationID": LAYOUT}, 500, "Bestaat niet: QuotationID"),
        ({"QuotationID": "x"}, 400, "QuotationID"),
        ({"Action": 2}, 500, "Niet ondersteund: Action (2)"),
        ({"Action": 99}, 500, "99 kan alleen bij status 60"),
        ({"Nonsense": 1}, 400, "'Nonsense'"),
    ):
        answer = act(site, "AcceptQuotation", quotation, **values)
        assert (answer.status_code, said in message(answer)) == (code, True), values
    assert status(site, quotation) == 40
    broken = site.call("POST", "crm/AcceptQuotation", content="nonsense", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_actions_are_post_only(site: Site, action: str) -> None:
    """A client would read or change what is no record."""
    for method, path in (
        ("GET", ACTIONS[action].path),
        ("PUT", f"{ACTIONS[action].path}(guid'{LAYOUT}')"),
        ("DELETE", f"{ACTIONS[action].path}(guid'{LAYOUT}')"),
    ):
        refused = site.call(method, path, json={} if method == "PUT" else None)
        assert refused.status_code in (400, 405), method
    assert site.call("GET", ACTIONS[action].path).headers["Allow"] == "POST"


def test_an_order_is_completed_part_by_part(site: Site, order: str) -> None:
    """Finished orders, which can no longer be written, could not be made without touching the store."""
    assert act(site, "CompleteSalesOrder", order, CompleteDelivery=True).status_code == 201
    shown = site.one("salesorder/SalesOrders", order)
    assert (shown["DeliveryStatus"], shown["InvoiceStatus"], shown["Status"]) == (21, 12, 20)
    assert site.put("salesorder/SalesOrders", order, Description="x").status_code == 204
    assert act(site, "CompleteSalesOrder", order, CompleteInvoice=True).status_code == 201
    shown = site.one("salesorder/SalesOrders", order)
    assert (shown["InvoiceStatus"], shown["Status"], shown["StatusDescription"]) == (21, 21, "Complete")
    assert site.put("salesorder/SalesOrders", order, Description="y").status_code == 500
    lines = site.rows("salesorder/SalesOrderLines", filter=f"OrderID eq guid'{order}'")
    assert {(line["DeliveryStatus"], line["InvoiceStatus"], line["OrderStatus"]) for line in lines} == {(21, 21, 21)}
    assert "al voltooid" in message(act(site, "CompleteSalesOrder", order, CompleteInvoice=True))


def test_an_order_follows_its_lines(site: Site, order: str) -> None:
    """An order would stay open although nothing is left of it."""
    both = {"CompleteDelivery": True, "CompleteInvoice": True}
    first, second = site.rows("salesorder/SalesOrderLines", filter=f"OrderID eq guid'{order}'")
    before = site.rows("sync/SalesOrder/SalesOrderLines", filter="Timestamp gt 1L")[-1]["Timestamp"]
    assert act(site, "CompleteSalesOrderLine", first["ID"], **both).status_code == 201
    changed = site.rows("sync/SalesOrder/SalesOrderLines", filter=f"Timestamp gt {before}L")
    assert [(row["ID"], row["DeliveryStatus"]) for row in changed] == [(first["ID"], 21)]
    assert site.one("salesorder/SalesOrders", order)["Status"] == 20
    assert act(site, "CompleteSalesOrderLine", first["ID"], **both).status_code == 500
    act(site, "CompleteSalesOrderLine", second["ID"], **both)
    shown = site.one("salesorder/SalesOrders", order)
    assert (shown["Status"], shown["DeliveryStatus"], shown["InvoiceStatus"]) == (21, 21, 21)


def test_an_order_cannot_be_completed_without_saying_what(site: Site, order: str) -> None:
    """A call that does nothing would look as if it had done something."""
    for values, said in (
        ({}, "Verplicht: CompleteDelivery of CompleteInvoice"),
        ({"OrderID": None}, "Verplicht: OrderID"),
        ({"OrderID": LAYOUT, "CompleteInvoice": True}, "Bestaat niet: OrderID"),
    ):
        assert message(act(site, "CompleteSalesOrder", order, **values)) == said
    site.state.edit("SalesOrders", order, {"Status": 45})
    assert "geannuleerd" in message(act(site, "CompleteSalesOrder", order, CompleteInvoice=True))


def test_actions_need_the_scope_of_their_documents() -> None:
    """A missing right would be found in production."""
    with running(scopes={"crm/quotes": "read", "sales/orders": "manage"}) as site:
        site.log_in()
        refused = act(site, "AcceptQuotation", LAYOUT)
        assert (refused.status_code, "manage 'crm.quotes'" in message(refused)) == (403, True)
        assert act(site, "CompleteSalesOrder", LAYOUT, CompleteInvoice=True).status_code == 500


def test_an_action_is_told_to_webhooks(site: Site, quotation: str, order: str) -> None:
    """An accepted quotation would be seen only with the next full sync."""
    with receiving() as receiver:
        for topic in ("Quotations", "SalesOrders"):
            receiver.subscribe(site, topic)
        act(site, "PrintQuotation", quotation)
        act(site, "CompleteSalesOrder", order, CompleteInvoice=True)
        # The order is written once more for each of its lines, and told once.
        until(lambda: counts(site) == {"delivered": 2})
        assert set(receiver.wait(2)) == {("Update", "Quotations", quotation), ("Update", "SalesOrders", order)}
