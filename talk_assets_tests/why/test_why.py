"""What is told about a value, for every way in which it can have come to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from talk_assets.errors import ConfigurationError
from talk_assets.why.answer import Answer, PropertyAnswer
from talk_assets.why.facts import gather
from talk_assets.why.find import find_properties, find_record
from talk_assets.why.story import tell
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.cycle.harness import World, open_world
from talk_assets_tests.mappings.broken import copy_mappings, replace

pytestmark = pytest.mark.soak


HOUSE = {"Address1": "Kade 1", "Address2": "Rear", "City": "Goes"}
EARLY, NOON, LATE = "2030-01-01T08:00:00Z", "2030-01-01T12:00:00Z", "2030-01-01T18:00:00Z"


@dataclass
class Books:
    """A world after four syncs.

    Attributes:
        world: the world.
        ours: a customer that was created in Exact by the first sync, and edited afterwards.
        account: its account.
        matched: a customer that was in both with different values.
        twin: its account.
        quarrel: a customer whose website a person has to decide about.
        refused: a customer whose new city Exact refuses.
        ambiguous: a customer that cannot be told from another one.
        line: a line of Customerp that was created in Exact with its document.
    """

    world: World
    ours: str
    account: str
    matched: str
    twin: str
    quarrel: str
    refused: str
    ambiguous: str
    line: str

    def why(self, record: str, name: str | None = None) -> Answer:
        """The whole answer."""
        division, mappings = self.world.installation.division, self.world.installation.mappings
        with self.world.installation.ledger.begin() as connection:
            found = find_record(connection, division, mappings, record)
            wanted = None if name is None else find_properties(found.subject, found.entity, name)
            return tell(gather(connection, division, found), wanted)

    def one(self, record: str, name: str) -> PropertyAnswer:
        """The answer about one property."""
        (answer,) = self.why(record, name).properties
        return answer


@pytest.fixture(scope="module")
def books(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home: Path = tmp_path_factory.mktemp("why")
    path = copy_mappings(home) / "organisation.yaml"
    replace(path, "  website:\n", "  website:\n    rule: manual\n")
    url = database_server.create_ledger()
    with open_world(url, home, mappings=home) as world:
        yield _live(world)
    database_server.drop(url)


def _live(world: World) -> Books:
    ours = world.add("customerp.customer", Name="Jansen BV", OrganizationNumber="1", Phone="1", **HOUSE, modified=EARLY)
    matched = world.add("customerp.customer", Name="De Vries", OrganizationNumber="2", City="Urk", modified=NOON)
    twin = world.add("exact.accounts", Name="Vries, de", ChamberOfCommerce="2", City="Urk", modified=LATE)
    quarrel = world.add("customerp.customer", Name="Twist", OrganizationNumber="3", Website="https://old.example")
    refused = world.add("customerp.customer", Name="Weigering", OrganizationNumber="4", City="Ede")
    ambiguous = [world.add("customerp.customer", Name=name, OrganizationNumber="5") for name in ("Dubbel", "Dubbel 2")]
    product = world.add("customerp.product", Number="P1", Name="Paint", Unit="piece")
    line = {"ProductId": product, "Quantity": 2, "UnitPrice": 10.5}
    order = world.add("customerp.order", CustomerId=ours, OrderDate="2024-03-01", Lines=[line])
    world.sync()
    account = world.twin("customerp.customer", ours, "exact.accounts")
    world.edit("customerp.customer", ours, Phone="2", Address2=None, modified=NOON)
    world.sync()
    world.edit("customerp.customer", ours, Phone="3", modified=NOON.replace("12:", "13:"))
    world.edit("exact.accounts", account, Phone="4", modified=LATE)
    world.edit("customerp.customer", quarrel, Website="https://ours.example")
    world.edit(
        "exact.accounts", world.twin("customerp.customer", quarrel, "exact.accounts"), Website="https://theirs.example"
    )
    world.edit("customerp.customer", refused, City="Atlantis")
    world.fault("exact", method="PUT", path="crm/Accounts", match={"City": "Atlantis"}, status=400, times=None)
    world.sync()
    (ordered,) = world.lines("customerp.order", order)
    return Books(world, ours, account, matched, twin, quarrel, refused, ambiguous[0], ordered)


def test_the_latest_edit_over_another_one(books: Books) -> None:
    """A controller cannot tell in the morning why a telephone number is not the one that a colleague entered."""
    phone = books.one(f"customerp.customer/{books.ours}", "phone")
    assert (phone.state, phone.value) == ("agreed", "4")
    winner, loser = f"'4' of exact.accounts/{books.account}", f"'3' of customerp.customer/{books.ours}"
    assert phone.sentence.startswith(f"{winner} (changed there 2030-01-01 18:00:00 UTC, read 20")
    assert " in run sync 3) replaced '2', agreed before from customerp.customer/" in phone.sentence
    assert f", over {loser} (changed there 2030-01-01 13:00:00 UTC, read " in phone.sentence
    assert " by the rule latest: the latest edit wins; 20" in phone.sentence
    assert phone.sentence.endswith(" UTC in run sync 3.")
    assert phone.written[0].startswith(f"'4' was written to customerp.customer/{books.ours} (Phone), which held '3'")
    assert phone.written[0].endswith(" UTC in run sync 3.")


def test_everything_back_to_the_first_link(books: Books) -> None:
    """An auditor gets the last change only, and has to take the rest on trust."""
    phone = books.one(f"exact.accounts/{books.account}", "Phone")
    told = [(event.kind, event.run) for event in phone.events]
    assert told == [
        ("first", "sync 1"),
        ("link", "sync 1"),
        ("write", "sync 1"),
        ("decision", "sync 2"),
        ("write", "sync 2"),
        ("decision", "sync 3"),
        ("write", "sync 3"),
    ]
    first, linked, created = (event.sentence for event in phone.events[:3])
    assert first.startswith(f"'1' of customerp.customer/{books.ours} (changed there 2030-01-01 08:00:00 UTC, read 20")
    assert " in run sync 1) was agreed" in first
    assert created.startswith(f"'1' was written to exact.accounts/{books.account} (Phone), with which it was created")
    assert "HTTP 201" in created
    assert linked == f"exact.accounts/{books.account} was created by us"
    values = {holding.record: holding.value for holding in phone.holdings}
    assert values == {f"customerp.customer/{books.ours}": "4", f"exact.accounts/{books.account}": "4"}


def test_the_first_match(books: Books) -> None:
    """The biggest change of all, that of the first sync, would be the one that nobody can explain."""
    answer = books.why(f"customerp.customer/{books.matched}", "name")
    assert answer.links[0].startswith(
        f"customerp.customer/{books.matched} was linked because registration_number is equal, 20"
    )
    (name,) = answer.properties
    assert name.sentence.startswith(f"'Vries, de' of exact.accounts/{books.twin} (changed there 2030-01-01 18:00:00")
    assert f"won over 'De Vries' of customerp.customer/{books.matched} (changed there 2030-01-01 12:00" in name.sentence
    city = books.one(f"customerp.customer/{books.matched}", "City")
    assert "was agreed, no other record had another value" in city.sentence
    assert city.sentence.endswith("in run sync 1.")


def test_every_property_has_an_answer(books: Books) -> None:
    """For some values there is no answer at all, and these are asked about."""
    line = f"customerp.order_line/{books.line}"
    for record in (f"customerp.customer/{books.ours}", f"exact.accounts/{books.twin}", line):
        answer = books.why(record)
        assert answer.cluster is not None
        for each in answer.properties:
            assert each.sentence.endswith("."), each
            assert "not kept" not in each.sentence, each
            if each.value:
                assert each.state == "agreed", each
                assert [event for event in each.events if event.kind in ("first", "decision")], each


def test_a_line_that_went_with_its_document(books: Books) -> None:
    """The amounts on an order, of all things, have no origin."""
    answer = books.why(f"customerp.order_line/{books.line}", "quantity")
    (quantity,) = answer.properties
    assert quantity.value == "2"
    created = [link for link in answer.links if "was created by us" in link and "in run sync 1" in link]
    assert [link.partition("/")[0] for link in created] == ["exact.quotation_lines", "exact.salesorder_lines"]


def test_what_was_cleared(books: Books) -> None:
    """An empty field looks like one that never was filled."""
    second = books.one(f"exact.accounts/{books.account}", "AddressLine2")
    assert (second.state, second.value) == ("cleared", None)
    assert second.sentence.startswith(f"The clearing in customerp.customer/{books.ours} (changed there")
    assert "replaced 'Rear', agreed before from customerp.customer/" in second.sentence
    assert second.written[0].startswith(f"(empty) was written to exact.accounts/{books.account} (AddressLine2)")


def test_what_a_person_has_to_decide(books: Books) -> None:
    """Two claims wait, and whoever asks is told only what was agreed before."""
    website = books.one(f"customerp.customer/{books.quarrel}", "website")
    assert (website.state, website.value) == ("conflict", "https://old.example")
    assert website.waiting[0].startswith("A person has to decide, since 20")
    for claim in ("'https://ours.example' (changed there", "'https://theirs.example' (changed there"):
        assert claim in website.waiting[0]


def test_what_the_system_refuses(books: Books) -> None:
    """Somebody sees that a value did not arrive, and not why."""
    city = books.one(f"customerp.customer/{books.refused}", "city")
    assert (city.state, city.value) == ("owed", "Atlantis")
    assert " refused 'Atlantis', since 20" in city.waiting[0]
    assert "in run sync 3: " in city.waiting[0]


def test_what_is_held(books: Books) -> None:
    """A record that is left alone is answered with silence."""
    answer = books.why(f"customerp.customer/{books.ambiguous}")
    assert answer.links == [
        f"customerp.customer/{books.ambiguous} is linked to nothing, so nothing is decided about it yet."
    ]
    assert "cannot be told which belong together" in answer.holds[0]
    name = next(each for each in answer.properties if each.property == "name")
    assert name.state == "held"
    assert name.holdings[0].value == "Dubbel"
    assert name.sentence == "Nothing is agreed: no decision has been taken about these records yet."


def test_own_names_and_spellings(books: Books) -> None:
    """Only who knows the canonical names and exact spelling of a key gets an answer."""
    for name in ("AddressLine1", "address1", "ADDRESS_LINE1"):
        assert books.one(f"customer/{books.matched}", name).property == "address_line1"
    assert books.why(f"accounts/{{{books.account.upper()}}}", "phone").record == f"exact.accounts/{books.account}"


@pytest.mark.parametrize(
    ("record", "name", "said"),
    [
        ("customerp.custmer/1", None, "there is no entity customerp.custmer; did you mean customerp.customer"),
        ("custmer/1", None, "did you mean customerp.customer or customerp.quote?"),
        ("customerp.customer", None, "write entity/key, as customerp.customer/123"),
        ("customerp.customer/Jansen BV", None, "Did you mean customerp.customer/{ours} (which holds 'Jansen BV')?"),
        ("customerp.customer/{ours}x", None, "Did you mean customerp.customer/{ours}"),
        ("exact.employees/1", None, "0 records of exact.employees are known"),
        ("customerp.customer/{ours}", "fone", "Did you mean phone or name?"),
        ("customerp.customer/{ours}", "zzz", "It has number, name, registration_number"),
    ],
)
def test_a_mistake_is_met_with_what_there_is(books: Books, record: str, name: str | None, said: str) -> None:
    """Somebody who mistypes a key believes that the record was never synchronised."""
    with pytest.raises(ConfigurationError) as refused:
        books.why(record.format(ours=books.ours), name)
    assert said.format(ours=books.ours) in str(refused.value)
