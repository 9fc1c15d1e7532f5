"""What must hold after an edit, by the words of the document."""

import pytest

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.qa.expected import after_both, after_creation, after_edit
from talk_assets.qa.scope import Scope, scopes

CAPABILITIES = load_capabilities()
SHIPPED = load_mappings(None, CAPABILITIES)
CUSTOMER, ACCOUNT = "customerp.customer", "exact.accounts"


def scope(flow: str = "customer_accounts", **changed: object) -> Scope:
    """A flow of the shipped mappings; `changed` are options of the property `name` of organisations."""
    subject = SHIPPED.subjects["organisation"]
    row = subject.properties["name"].model_copy(update=changed)
    subject = subject.model_copy(update={"properties": {**subject.properties, "name": row}})
    mappings = Mappings(subjects={**SHIPPED.subjects, "organisation": subject})
    return next(each for each in scopes(mappings, CAPABILITIES) if each.name == flow)


def test_an_edit_is_found_on_the_other_side_as_far_as_it_takes_it() -> None:
    """A text that was cut in Exact is called a failure, or a whole one that was not carried a success."""
    long = "x" * 80
    held = {CUSTOMER: "old", ACCOUNT: "old"}
    assert after_edit(scope(), "name", CUSTOMER, held, long) == {CUSTOMER: long, ACCOUNT: "x" * 50}
    assert after_edit(scope(), "name", ACCOUNT, held, "new") == {CUSTOMER: "new", ACCOUNT: "new"}


def test_empty_goes_nowhere_unless_it_may() -> None:
    """A value that was lost by an empty one is not noticed."""
    held = {CUSTOMER: "old", ACCOUNT: "old"}
    assert after_edit(scope(), "phone", ACCOUNT, held, "") == held
    assert after_edit(scope(), "address_line2", ACCOUNT, held, "") == {CUSTOMER: "", ACCOUNT: ""}


def test_what_does_not_count_is_put_back_where_that_is_written() -> None:
    """An edit in the wrong direction is called right."""
    held = {CUSTOMER: "old", ACCOUNT: "old"}
    assert after_edit(scope(direction="to_exact"), "name", ACCOUNT, held, "new") == held
    assert after_edit(scope(direction="create_in_exact"), "name", CUSTOMER, held, "new") == {
        CUSTOMER: "new",
        ACCOUNT: "old",
    }


def test_what_is_no_difference_is_no_edit() -> None:
    """A customer's spelling is expected to travel although the document says that it makes no difference."""
    held = {CUSTOMER: "NL12.34", ACCOUNT: "NL1234"}
    assert after_edit(scope(), "vat_number", CUSTOMER, held, "nl 1234") == {CUSTOMER: "nl 1234", ACCOUNT: "NL1234"}
    plain = {CUSTOMER: "old", ACCOUNT: "old"}
    assert after_edit(scope(), "name", CUSTOMER, plain, "OLD")[ACCOUNT] == "OLD"
    assert after_edit(scope(compare="ignore_case"), "name", CUSTOMER, plain, "OLD")[ACCOUNT] == "old"


@pytest.mark.parametrize(
    ("rule", "order", "winner"),
    [
        ("latest", [], ACCOUNT),
        ("owner", ["customerp"], CUSTOMER),
        ("owner", ["exact.accounts", "customerp"], ACCOUNT),
        ("prefer", ["customerp", "exact"], CUSTOMER),
    ],
)
def test_of_two_edits_the_rule_decides(rule: str, order: list[str], winner: str) -> None:
    """The loser is expected to win."""
    edits = [(CUSTOMER, "theirs"), (ACCOUNT, "ours")]
    found = after_both(scope(rule=rule, order=order), "name", edits)
    assert found == dict.fromkeys((CUSTOMER, ACCOUNT), dict(edits)[winner])


def test_of_two_edits_a_person_may_decide() -> None:
    """A value that waits for a person is expected to be overwritten."""
    edits = [(CUSTOMER, "theirs"), (ACCOUNT, "ours")]
    assert after_both(scope(rule="manual"), "name", edits) == dict(edits)


def test_a_creation_gives_exact_what_it_takes() -> None:
    """A number that Exact makes itself is expected to be Customerp's."""
    assert after_creation(scope(), "number", "123") == "123"
    assert after_creation(scope(), "number", "A-123") is None
    assert after_creation(scope(), "name", "x" * 80) == "x" * 50
