"""Pairs read fresh from both systems: what is found, what is explained, whose turn it is, and what it costs."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from talk_assets.equality.compare import flows_of
from talk_assets.equality.words import sentence, summary
from talk_assets.errors import ConfigurationError, SystemUnavailable
from talk_assets.ledger.call_budget import CallBudgetStore
from talk_assets.sync.equal import CHANGED, HELD, OWED, UNEQUAL, UNREAD
from talk_assets.systems.budget import Budget, Window
from talk_assets_tests.equality.conftest import ACCOUNT, CONTACT, CUSTOMER, CUSTOMERS, PERSON, Equal


def test_equal_systems_are_equal_and_cost_few_calls(equal: Equal) -> None:
    """A comparison alarms for nothing, or takes the day's calls."""
    equal.forget_calls()
    found = equal.compare()
    calls = equal.calls()
    accounts = found["customer_accounts"]
    assert (accounts.linked, accounts.compared, accounts.gone) == (CUSTOMERS, CUSTOMERS, [])
    assert found["contact_contacts"].compared == 1
    assert [each for each in found.values() if len(each.unexplained)] == []
    assert sum(count for call, count in calls["exact"].items() if call.endswith("/crm/Accounts")) == 2
    assert sum(count for call, count in calls["exact"].items() if call.endswith("/crm/Contacts")) == 1
    assert calls["exact"].total() == 2 + 1
    assert calls["customerp"].total() == CUSTOMERS + 1
    assert {call.partition(" ")[0] for some in calls.values() for call in some} == {"GET"}


def test_nothing_is_asked_where_nothing_is_to_be_compared(equal: Equal) -> None:
    """An installation that wants no comparison still pays for it."""
    equal.forget_calls()
    found = equal.compare(most=0)
    assert {each.compared for each in found.values()} == {0}
    assert found["customer_accounts"].linked == CUSTOMERS
    assert found["product_items"].linked == 0
    assert summary(found["product_items"]) == "No pair is linked yet."
    assert [call for some in equal.calls().values() for call in some] == []


def test_every_pair_has_its_turn(equal: Equal) -> None:
    """The same twenty pairs are looked at every night, and the others never."""
    seen = []
    with equal.world.installation.ledger.begin() as connection:
        connection.exec_driver_sql("delete from talk.cursor where feed = 'compared.customer_accounts'")
    for _ in range(4):
        assert equal.compare("customer_accounts", most=7)["customer_accounts"].compared == 7
        last = equal.world.rows("select value from talk.cursor where feed = 'compared.customer_accounts'")
        seen.append(last[0]["value"])
    order = equal.world.rows(
        "select a.key from talk.member a join talk.member b using (cluster_id) "
        "where a.entity = :a and b.entity = :b order by cluster_id, a.key",
        a=CUSTOMER,
        b=ACCOUNT,
    )
    keys = [row["key"] for row in order]
    # 28 of 24: the fourth begins again with the first four.
    assert [keys.index(value.split('"')[1]) for value in seen] == [6, 13, 20, 3]


@pytest.mark.parametrize("entity", [CUSTOMER, ACCOUNT])
def test_an_edit_that_its_system_hides_is_found_and_mended_by_a_whole_read(equal: Equal, entity: str) -> None:
    """Two people look at different telephone numbers for months, and the platform calls both systems equal."""
    customer = equal.customers[0]
    key = customer if entity == CUSTOMER else equal.twin(customer)
    equal.hide(entity, key, Phone=f"hidden in {entity}")
    equal.sync()
    assert equal.unlike(customer) == [("phone", entity, UNREAD)], "no sync can know"
    (row,) = equal.compare("customer_accounts")["customer_accounts"].unexplained.to_dict("records")
    told = row["customerp"] if entity == CUSTOMER else row["exact"]
    assert told == f"hidden in {entity}"
    words = sentence(row)
    assert words.startswith(f"{CUSTOMER}/{customer} and {ACCOUNT}/{equal.twin(customer)} differ in phone: '")
    assert f"hidden in {entity}" in words
    assert f"{entity} changed it without telling so" in words
    assert "talk-assets sync --rescan" in words
    equal.sync(rescan=True)
    assert equal.unlike(customer) == []
    assert equal.world.show(CUSTOMER, customer)["Phone"] == equal.world.show(ACCOUNT, equal.twin(customer))["Phone"]


def test_a_value_that_its_system_lost_is_found_and_put_back(equal: Equal) -> None:
    """A restored backup of one system lacks values, and nobody puts them back."""
    customer = equal.customers[5]
    account = equal.twin(customer)
    equal.hide(ACCOUNT, account, City=None)
    (row,) = equal.compare("customer_accounts")["customer_accounts"].unexplained.to_dict("records")
    assert "differ in city: 'Utrecht' in Customerp, nothing in Exact." in sentence(row)
    equal.sync(rescan=True)
    assert equal.unlike(customer) == []
    assert equal.world.show(ACCOUNT, account)["City"] == "Utrecht"


def test_a_ledger_that_is_wrong_is_found_and_mended_by_an_edit(equal: Equal) -> None:
    """The ledger was altered by hand or by a defect: it owes nothing, so no sync ever makes both sides equal."""
    customer = equal.customers[1]
    account = equal.twin(customer)
    equal.hide(ACCOUNT, account, City="Zeist")
    with equal.world.installation.ledger.begin() as connection:
        for table in ("record", "base"):
            connection.exec_driver_sql(
                f'update talk.{table} set values = values || \'{{"city": "Zeist"}}\' where key = %s', (account,)
            )
    equal.sync()
    assert equal.unlike(customer) == [("city", "", UNEQUAL)]
    (row,) = equal.compare("customer_accounts")["customer_accounts"].unexplained.to_dict("records")
    assert sentence(row) == (
        f"{CUSTOMER}/{customer} and {ACCOUNT}/{account} differ in city: 'Utrecht' in Customerp, 'Zeist' in Exact. "
        f"Nothing is owed for it. To see how it came to be: talk-assets why {CUSTOMER}/{customer} city; correct it in "
        "one of the systems, and the next sync carries it to the other one."
    )
    equal.world.edit(ACCOUNT, account, City="Bunnik")
    equal.sync()
    assert equal.unlike(customer) == []


def test_an_edit_since_the_last_read_is_no_fault(equal: Equal) -> None:
    """Everything that somebody edits before the nightly comparison is reported."""
    customer = equal.customers[2]
    equal.world.edit(CUSTOMER, customer, Phone="since")
    assert equal.unlike(customer) == [("phone", "", CHANGED)]
    assert equal.compare("customer_accounts")["customer_accounts"].unexplained.empty
    equal.sync()
    assert equal.unlike(customer) == []


@pytest.mark.parametrize("entity", [CUSTOMER, ACCOUNT])
def test_an_edit_that_was_passed_over_is_not_one_that_the_next_sync_carries(equal: Equal, entity: str) -> None:
    """The feed went past an edit: both systems differ for good, and comparisons say that the next sync mends it."""
    customer = equal.customers[6]
    key = customer if entity == CUSTOMER else equal.twin(customer)
    other = ACCOUNT if entity == CUSTOMER else CUSTOMER
    equal.world.edit(entity, key, Phone=f"passed over in {entity}")
    assert equal.unlike(customer) == [("phone", "", CHANGED)], "it may have been made while the feed was read"
    with equal.read_later(other):
        assert equal.unlike(customer) == [("phone", "", CHANGED)], "its own feed was put off since"
    with equal.read_later(entity):
        assert equal.unlike(customer) == [("phone", entity, UNREAD)]
        (row,) = equal.compare("customer_accounts")["customer_accounts"].unexplained.to_dict("records")
    assert "talk-assets sync --rescan" in sentence(row)
    with equal.read_later(entity), equal.never_read(entity):
        assert equal.unlike(customer) == [("phone", "", CHANGED)], "the next sync reads everything"
    equal.sync(rescan=True)
    assert equal.unlike(customer) == []


def test_what_was_written_and_never_read_back_is_no_news_for_ever(equal: Equal) -> None:
    """A system took a write and keeps something else: the feed does not show it, and the check passes for good."""
    customer = equal.customers[7]
    account = equal.twin(customer)
    equal.hide(ACCOUNT, account, City="Not as sent")
    with equal.world.installation.ledger.begin() as connection:
        # Sooner, what is read may be from before the write.
        connection.exec_driver_sql(
            "update talk.record set written_at = now() - interval '10 minutes' where key = %s", (account,)
        )
    assert equal.unlike(customer) == [("city", "", CHANGED)]
    with equal.read_later(ACCOUNT):
        assert equal.unlike(customer) == [("city", ACCOUNT, UNREAD)]
    equal.sync(rescan=True)
    assert equal.unlike(customer) == []


def test_what_was_edited_on_a_day_may_have_been_edited_at_its_end(equal: Equal) -> None:
    """A system that tells in days when a record changed is accused of hiding whatever is edited on that day."""
    customer = equal.customers[8]
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with equal.world.installation.ledger.begin() as connection:
        connection.exec_driver_sql(
            "update talk.record set modified = %s where key = %s", (day - timedelta(days=2), customer)
        )
    equal.world.edit(CUSTOMER, customer, Phone="today", modified=day.isoformat())
    assert equal.unlike(customer) == [("phone", "", CHANGED)]
    equal.sync()
    assert equal.unlike(customer) == []


def test_what_a_system_refused_is_owed(equal: Equal) -> None:
    """A debt that `status` lists is reported a second time, as a fault of the platform."""
    customer = equal.customers[3]
    equal.world.fault("exact", method="PUT", path="crm/Accounts", match={"Phone": "no"}, status=400, message="Ongeldig")
    equal.world.edit(CUSTOMER, customer, Phone="no")
    equal.sync()
    assert equal.unlike(customer) == [("phone", "", OWED)]
    equal.world.end_faults()
    equal.world.edit(CUSTOMER, customer, Phone="yes")
    equal.sync()
    assert equal.unlike(customer) == []


def test_a_held_record_is_explained_also_where_the_hold_hides_other_edits(equal: Equal) -> None:
    """A record that a person has to correct is reported property by property."""
    customer = equal.customers[4]
    equal.world.edit(CUSTOMER, customer, Email="no address", Phone="held")
    equal.sync()
    assert equal.unlike(customer) == [("email", "", HELD), ("phone", "", HELD)]
    assert equal.compare("customer_accounts")["customer_accounts"].unexplained.empty
    equal.world.edit(CUSTOMER, customer, Email="an@example.com")
    equal.sync()
    assert equal.unlike(customer) == []


def test_a_record_that_was_deleted_meanwhile_is_told_apart(equal: Equal) -> None:
    """A deleted account makes all of its customer unequal."""
    key = equal.world.add(CUSTOMER, Name="Leaves", Phone="1")
    equal.sync()
    account = equal.twin(key)
    equal.world.remove(ACCOUNT, account)
    found = equal.compare("customer_accounts")["customer_accounts"]
    assert found.gone == [f"{ACCOUNT}/{account}"]
    assert found.unexplained.empty
    assert found.compared == found.linked - 1
    assert "1 no longer in their system" in summary(found)
    equal.sync()
    assert equal.compare("customer_accounts")["customer_accounts"].gone == []


def test_what_may_not_be_read_is_said_and_the_rest_is_compared(equal: Equal) -> None:
    """A right that is missing for contacts ends the comparison of everything; or they pass for deleted."""
    equal.world.fault("exact", path="crm/Contacts", status=403, times=None)
    found = equal.compare()
    equal.world.end_faults()
    assert "403" in found["contact_contacts"].hindrance
    assert found["customer_accounts"].compared == CUSTOMERS
    assert summary(found["contact_contacts"]).startswith("Not compared: ")


def test_a_system_that_shows_nothing_any_more_is_not_taken_for_empty(equal: Equal) -> None:
    """Exact answers with an empty list where a right was withdrawn, and everything passes for deleted."""
    equal.world.fault("exact", path="crm/Accounts", status=200, body={"d": {"results": []}}, times=None)
    found = equal.compare("customer_accounts")["customer_accounts"]
    equal.world.end_faults()
    assert found.hindrance.startswith(f"None of {CUSTOMERS} linked records of exact.accounts was found")
    assert found.gone == []


def test_calls_that_have_to_last_for_the_day_are_not_spent(equal: Equal) -> None:
    """In the evening an order cannot be written, because the calls went into a comparison."""
    store = CallBudgetStore(equal.world.installation.ledger, equal.world.installation.division)
    before, now = store.load(), time.time()
    store.change(lambda _: Budget(None, Window(5000, 900, now + 90_000), now))
    equal.forget_calls()
    with pytest.raises(SystemUnavailable, match="Nothing was compared: the calls of exact have to last for the day"):
        equal.compare()
    store.change(lambda _: before)
    assert [call for some in equal.calls().values() for call in some] == []


def test_entities_choose_the_flows(equal: Equal) -> None:
    """A misspelt entity compares nothing, and passes."""
    mappings = equal.world.installation.mappings
    assert flows_of(mappings, []) == list(mappings.flows)
    assert flows_of(mappings, [PERSON]) == ["contact_contacts", "employee_contacts"]
    assert flows_of(mappings, [CONTACT, ACCOUNT]) == ["customer_accounts", "contact_contacts"]
    with pytest.raises(ConfigurationError, match=r"There is no entity exact\.account to compare; it is one of"):
        flows_of(mappings, ["exact.account"])
