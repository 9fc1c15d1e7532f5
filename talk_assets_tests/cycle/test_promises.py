"""What must always hold, over real HTTP and a real ledger."""

import time
from threading import Thread

import pytest

from talk_assets.cycle import deliver
from talk_assets.cycle.send import Outcome
from talk_assets.systems.clock import Clock
from talk_assets_tests.cycle.harness import World

JANSEN = {"Name": "Jansen Bouw BV", "OrganizationNumber": "12345678", "Email": "info@jansen.example"}


def order(world: World, **values: object) -> tuple[str, str, str]:
    """A customer, a product, and an order with two lines; their keys."""
    customer = world.add("customerp.customer", **JANSEN)
    product = world.add("customerp.product", Number="P1", Name="Paint", Unit="piece")
    other = world.add("customerp.product", Number="P2", Name="Brush", Unit="piece")
    lines = [
        {"ProductId": product, "Quantity": 2, "UnitPrice": 10.5, "DiscountPercent": 5.5, "Remark": "mind the step"},
        {"ProductId": other, "Quantity": 1, "UnitPrice": 3},
    ]
    key = world.add(
        "customerp.order", CustomerId=customer, CustomerReference="PO 1", OrderDate="2024-03-01", Lines=lines, **values
    )
    return customer, product, key


def test_a_quiet_sync_writes_nothing_and_reads_every_feed_once(world: World) -> None:
    """Exact's budget of calls would be spent on nothing, or values would be written for ever."""
    order(world)
    world.sync()
    world.sync()
    quiet = world.sync()
    assert quiet.writes == []
    assert {call for call in quiet.write_calls if "oauth" not in call} == set()
    # `GET /` asks whether the credentials are good: only while no run of this installation has ended well.
    assert quiet.calls["customerp"].total() - quiet.calls["customerp"]["GET /"] == 7, quiet.calls["customerp"]
    reads = {call: count for call, count in quiet.calls["exact"].items() if "/sync/" in call}
    assert sum(reads.values()) == 9, reads


def test_edits_of_different_properties_both_survive_and_of_one_the_later_wins(world: World) -> None:
    """An edit would disappear, and nobody could tell whose it was."""
    customer = world.add("customerp.customer", **JANSEN, Phone="1", modified="2024-01-01T00:00:00Z")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit(
        "customerp.customer", customer, Phone="2", Website="https://here.example", modified="2030-01-01T10:00:00Z"
    )
    world.edit("exact.accounts", account, Phone="3", Email="new@jansen.example", modified="2030-01-01T12:00:00Z")
    world.sync()
    for entity, key, phone, web, mail in (
        ("customerp.customer", customer, "Phone", "Website", "Email"),
        ("exact.accounts", account, "Phone", "Website", "Email"),
    ):
        shown = world.show(entity, key)
        assert (shown[phone], shown[web], shown[mail]) == ("3", "https://here.example", "new@jansen.example"), entity
    (lost,) = world.rows("select * from talk.history where property = 'phone' and loser is not null")
    assert (lost["loser"], lost["loser_value"]) == (f"customerp.customer/{customer}", "2")
    assert (lost["winner"], lost["after"], lost["rule"]) == (f"exact.accounts/{account}", "3", "latest")
    assert lost["run"] == world.run_id


def test_one_edited_line_is_one_write_and_nothing_else_changes(world: World) -> None:
    """An invoice would show lines twice, or lose what a colleague noted on them."""
    _, _, key = order(world, InternalNote="call first")
    world.sync()
    sales = world.twin("customerp.order", key, "exact.salesorders")
    first = next(iter(world.lines("customerp.order", key)))
    others = {name: line for name, line in world.lines("exact.salesorders", sales).items()}
    world.edit_line("customerp.order", key, first, Quantity=7)
    report = world.sync()
    quotation_and_order = {call: n for call, n in report.write_calls.items() if "oauth" not in call}
    assert quotation_and_order == {
        "PUT /api/v1/1/crm/QuotationLines(key)".replace("/1/", f"/{world.installation.division}/"): 1,
        "PUT /api/v1/1/salesorder/SalesOrderLines(key)".replace("/1/", f"/{world.installation.division}/"): 1,
    }
    now = world.lines("exact.salesorders", sales)
    assert sorted(line["Quantity"] for line in now.values()) == [1, 7]
    unchanged = [name for name, line in now.items() if line["Quantity"] == 1]
    assert all(now[name]["UnitPrice"] == others[name]["UnitPrice"] for name in unchanged)
    shown = world.show("customerp.order", key)
    assert shown["InternalNote"] == "call first"
    assert world.lines("customerp.order", key)[first]["Remark"] == "mind the step"


@pytest.mark.soak
def test_lines_arrive_in_the_order_of_their_document(world: World) -> None:
    """Prices of two lines of one product would change places."""
    customer, product, _ = order(world)
    lines = [{"ProductId": product, "Quantity": n, "UnitPrice": 10 * n} for n in (3, 1, 2)]
    key = world.add("customerp.order", CustomerId=customer, CustomerReference="PO 2", Lines=lines)
    world.sync()
    world.sync()
    sales = world.twin("customerp.order", key, "exact.salesorders")
    assert [line["Quantity"] for line in world.lines("exact.salesorders", sales).values()] == [3, 1, 2]
    assert [line["Quantity"] for line in world.lines("customerp.order", key).values()] == [3, 1, 2]


@pytest.mark.soak
def test_an_order_from_a_quote_shares_its_quotation(world: World) -> None:
    """The customer would get the same offer twice."""
    customer, product, _ = order(world)
    lines = [{"ProductId": product, "Quantity": 10, "UnitPrice": 4}]
    quote = world.add("customerp.quote", CustomerId=customer, QuoteDate="2024-02-01", Lines=lines)
    made = world.add(
        "customerp.order",
        CustomerId=customer,
        QuoteId=quote,
        OrderDate="2024-02-09",
        Lines=[{"ProductId": product, "Quantity": 5, "UnitPrice": 4}],
    )
    world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    assert world.twin("customerp.order", made, "exact.quotations") == quotation
    # The order takes less than was offered: the offer stays as it was.
    assert [line["Quantity"] for line in world.lines("exact.quotations", quotation).values()] == [10]
    sales = world.twin("customerp.order", made, "exact.salesorders")
    assert [line["Quantity"] for line in world.lines("exact.salesorders", sales).values()] == [5]


def test_an_order_whose_customer_is_refused_waits_and_says_why(world: World) -> None:
    """An order would be booked on nobody, or be forgotten."""
    world.fault("exact", method="POST", path="crm/Accounts", status=500, message="Verplicht: Postcode")
    customer, _, key = order(world)
    world.sync()
    assert world.partner("customerp.order", key, "exact.salesorders") is None
    (waiting,) = world.owed("exact.salesorders")
    assert waiting["state"] == "waiting"
    assert customer in waiting["reason"]
    assert "Verplicht: Postcode" in waiting["reason"]
    world.end_faults()
    world.edit("customerp.customer", customer, ZipCode="1234 AB")
    world.sync()
    assert world.partner("customerp.order", key, "exact.salesorders") is not None


def test_a_record_that_cannot_be_read_is_not_created_again(world: World) -> None:
    """A company would stand twice in the books because of a mistyped e-mail address."""
    account = world.add("exact.accounts", Name="Jansen Bouw", ChamberOfCommerce="12345678", Email="no address")
    customer = world.add("customerp.customer", **JANSEN)
    world.add("customerp.customer", Name="Somebody else", VatNumber="NL001234567B01")
    world.sync()
    assert {f"exact.accounts/{account}", f"customerp.customer/{customer}"} <= world.held()
    (invalid,) = [hold for hold in world.holds() if hold["kind"] == "invalid"]
    assert (invalid["key"], invalid["property"], invalid["value"]) == (account, "email", "no address")
    assert sorted(kept["Name"] for kept in world.all("exact.accounts").values()) == [
        "Jansen Bouw",
        "Somebody else",
        "Werkgever BV",
    ]
    world.edit("exact.accounts", account, Email="info@jansen.example")
    world.sync()
    assert world.twin("customerp.customer", customer, "exact.accounts") == account
    assert world.held() == set()


def test_ambiguous_records_are_held_and_nothing_is_guessed(world: World) -> None:
    """Two companies would be merged into one, or one be created a third time."""
    one = world.add("customerp.customer", Name="One", VatNumber="NL001234567B01")
    two = world.add("customerp.customer", Name="Two", VatNumber="NL001234567B01")
    account = world.add("exact.accounts", Name="One", VATNumber="NL001234567B01")
    report = world.sync()
    names = {f"customerp.customer/{one}", f"customerp.customer/{two}", f"exact.accounts/{account}"}
    assert world.held("ambiguous") == names
    assert [write for write in report.writes if write["operation"] == "create"] == []
    world.edit("customerp.customer", two, VatNumber="NL009999999B01")
    world.sync()
    assert world.twin("customerp.customer", one, "exact.accounts") == account
    assert world.twin("customerp.customer", two, "exact.accounts") != account
    assert world.held() == set()


def test_what_is_deleted_on_one_side_is_not_put_back(world: World) -> None:
    """A customer removed on purpose would come back with the next sync."""
    customer = world.add("customerp.customer", **JANSEN)
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.remove("customerp.customer", customer)
    world.sync()
    world.edit("exact.accounts", account, Phone="12")
    report = world.sync()
    assert report.writes == []
    assert world.all("customerp.customer") == {}
    assert account in world.all("exact.accounts")


@pytest.mark.soak
def test_an_insert_whose_answer_is_lost_is_not_repeated(world: World) -> None:
    """A cut connection would leave every document twice in the books."""
    cut: list[str] = []

    def once(method: str, path: str) -> bool:
        lost = method == "POST" and path.endswith(("crm/Accounts", "salesorder/SalesOrders")) and path not in cut
        if lost:
            cut.append(path)
        return lost

    _, _, key = order(world)
    world.interrupt(once)
    for _ in range(4):
        world.sync()
    world.interrupt(None)
    assert len(cut) == 2
    assert [kept["Name"] for kept in world.all("exact.accounts").values()].count("Jansen Bouw BV") == 1
    assert len(world.all("exact.salesorders")) == 1
    assert len(world.all("exact.salesorder_lines")) == 2
    assert world.partner("customerp.order", key, "exact.salesorders") is not None
    assert world.rows("select * from talk.intent where closed_at is null") == []


def test_a_target_edited_after_it_was_read_is_not_overwritten(world: World) -> None:
    """A colleague's edit of this very minute would be gone."""
    customer = world.add("customerp.customer", **JANSEN, Phone="1")
    world.sync()
    account = world.twin("customerp.customer", customer, "exact.accounts")
    world.edit("customerp.customer", customer, Phone="2")
    world.sync(between=lambda: world.edit("exact.accounts", account, Phone="3"))
    world.sync()
    assert world.show("exact.accounts", account)["Phone"] == "3"
    assert world.show("customerp.customer", customer)["Phone"] == "3"


def test_writes_that_take_long_are_sent_after_another_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Exact answers slowly, a colleague's edit would be overwritten by a write that was planned before it."""
    customers = [world.add("customerp.customer", Name=f"Customer {n}", Phone="1") for n in range(3)]
    world.sync()
    accounts = [world.twin("customerp.customer", key, "exact.accounts") for key in customers]
    for key in customers:
        world.edit("customerp.customer", key, Phone="2")
    monkeypatch.setattr(deliver, "BATCH_SECONDS", 0.1)
    world.fault("exact", method="PUT", status=None, delay=0.5)
    colleague = Thread(target=world.edit, args=("exact.accounts", accounts[2]), kwargs={"Phone": "3"})

    def first_write(method: str, _path: str) -> bool:
        if method == "PUT" and colleague.ident is None:
            colleague.start()
        return False

    world.interrupt(first_write)
    report = world.sync()
    colleague.join()
    assert report.delivered["exact.accounts"].updated == 2, "the rest is to be sent in the same sync"
    assert [world.show("exact.accounts", key)["Phone"] for key in accounts] == ["2", "2", "3"]
    assert [world.show("customerp.customer", key)["Phone"] for key in customers] == ["2", "2", "3"]


def test_a_write_that_has_to_wait_is_sent_after_another_look(world: World) -> None:
    """While we wait for Exact's next minute of calls a colleague's edit would be overwritten."""
    customers = [world.add("customerp.customer", Name=f"Customer {n}", Phone="1") for n in range(2)]
    world.sync()
    accounts = [world.twin("customerp.customer", key, "exact.accounts") for key in customers]
    for key in customers:
        world.edit("customerp.customer", key, Phone="2")
    # Longer than a write waits by itself, whatever the second of the minute.
    reset = round((time.time() + 40) * 1000)
    spent = {"X-RateLimit-Minutely-Remaining": "0", "X-RateLimit-Minutely-Reset": str(reset)}
    world.fault("exact", status=429, headers=spent, method="PUT", path=accounts[0])
    naps: list[float] = []

    def wait(seconds: float) -> None:
        naps.append(seconds)
        world.edit("exact.accounts", accounts[0], Phone="3")

    with world.reopened(Clock(sleep=wait)):
        report = world.sync()
    assert len(naps) == 1
    done = report.delivered["exact.accounts"]
    assert (done.updated, done.failed) == (1, 0), "what is still right is sent in the same sync"
    assert [world.show("exact.accounts", key)["Phone"] for key in accounts] == ["3", "2"]
    assert [world.show("customerp.customer", key)["Phone"] for key in customers] == ["3", "2"]


@pytest.mark.soak
def test_writes_that_are_never_let_through_end_the_sync(world: World) -> None:
    """A limit on writes alone, which a look at the feed does not meet, would have a sync go round for ever."""
    customer = world.add("customerp.customer", Name="Jansen", Phone="1")
    world.sync()
    world.edit("customerp.customer", customer, Phone="2")
    naps: list[float] = []
    world.fault("exact", fault="rate-limit-bare", method="PUT", times=None)
    with world.reopened(Clock(sleep=naps.append)):
        done = world.sync().delivered["exact.accounts"]
        assert (done.failed, [write["outcome"] for write in done.writes]) == (1, [Outcome.POSTPONED.value])
        assert naps == [60.0, 60.0, 60.0]
        assert [row["state"] for row in world.owed("exact.accounts")] == ["owed"]
        world.end_faults()
        assert world.sync().delivered["exact.accounts"].updated == 1


def test_a_preview_stores_and_writes_nothing(world: World) -> None:
    """Looking would already change the books."""
    order(world)
    tables = ("record", "cluster", "member", "base", "golden", "owed", "intent", "hold", "history", "run", "request")

    def stored() -> dict[str, int]:
        found = {name: world.rows(f"select count(*) as n from talk.{name}")[0]["n"] for name in tables}
        # For which login a refused feed would be remembered is kept: a preview asks a system as a sync does.
        feeds = world.rows("select count(*) as n from talk.cursor where feed <> 'denied'")
        return {**found, "cursor": feeds[0]["n"]}

    counts = stored()
    report = world.sync(preview=True)
    assert {write["entity"] for write in report.writes} >= {"exact.accounts", "exact.items"}
    assert report.write_calls.keys() <= {"POST /api/oauth2/token"}
    assert stored() == counts
    assert len(world.all("exact.accounts")) == 1


@pytest.mark.soak
def test_what_exact_takes_from_nobody_is_listed_until_it_is_there(world: World) -> None:
    """An employee's new number would never be entered, or stay on the list for ever."""
    employee = world.add("customerp.employee", Number="7", FirstName="Eva", LastName="Vos", Email="eva@here.example")
    world.sync()
    (owed,) = world.owed("exact.employees")
    assert (owed["operation"], owed["state"]) == ("create", "person")
    entered = world.add(
        "exact.employees", EmployeeHID=7, FirstName="Eva", LastName="Vos", BusinessEmail="eva@here.example"
    )
    world.sync()
    assert world.twin("customerp.employee", employee, "exact.employees") == entered
    assert world.owed("exact.employees") == []
    world.edit("customerp.employee", employee, Mobile="0612345678")
    world.sync()
    (owed,) = world.owed("exact.employees")
    assert (owed["operation"], owed["state"], owed["key"]) == ("update", "person", entered)
    world.edit("exact.employees", entered, Mobile="0612345678", NickName="Ev")
    world.sync()
    assert world.owed("exact.employees") == []
    world.edit("exact.employees", entered, FirstName="Evelien")
    world.sync()
    assert world.show("customerp.employee", employee)["FirstName"] == "Evelien"


@pytest.mark.parametrize("beside", ["nothing", "its document"])
def test_a_line_edited_after_it_was_read_is_not_overwritten(world: World, beside: str) -> None:
    """A quantity that a colleague has just corrected would be lost, without a trace."""
    customer = world.add("customerp.customer", Name="Jansen BV", OrganizationNumber="12345678")
    product = world.add("customerp.product", Number="P1", Name="Paint")
    lines = [{"ProductId": product, "Quantity": 1, "UnitPrice": 4}]
    quote = world.add("customerp.quote", CustomerId=customer, Lines=lines)
    world.sync()
    world.sync()
    quotation = world.twin("customerp.quote", quote, "exact.quotations")
    (theirs,) = world.lines("exact.quotations", quotation)
    (ours,) = world.lines("customerp.quote", quote)
    world.edit("exact.quotation_lines", theirs, Quantity=5)
    calls = ["the line"]
    if beside == "its document":
        world.edit("exact.quotations", quotation, Description="Roof")
        calls = ["the document", "the line"]
    done: list[str] = []

    def meanwhile(method: str, path: str) -> bool:
        if method == "PATCH" and path.startswith("/quotes/") and calls and calls.pop(0) == "the line":
            done.append(path)
            # Not over HTTP: the server is busy with this very call.
            store = world.stores["customerp"]
            held = store.get("customerp", "main", "quote", quote)
            assert held is not None
            (line,) = held.body["Lines"]
            store.update("customerp", "main", "quote", quote, held.body | {"Lines": [{**line, "Quantity": 9}]})
        return False

    world.interrupt(meanwhile)
    world.sync()
    world.interrupt(None)
    world.sync()
    world.sync()
    assert done
    assert world.lines("customerp.quote", quote)[ours]["Quantity"] == 9
    assert world.lines("exact.quotations", quotation)[theirs]["Quantity"] == 9
    assert world.show("customerp.quote", quote).get("Description") == (None if beside == "nothing" else "Roof")
    assert world.owed() == []
