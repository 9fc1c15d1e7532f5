"""What is shown of people's values, and what stays readable."""

import pandas as pd
import pytest

from talk_assets.assets.masking import People, about_people
from talk_assets.mappings.load import load_capabilities, load_mappings

MAPPINGS = load_mappings(None, load_capabilities())
PERSON = about_people(MAPPINGS.subjects["person"])
MASKED = People()


def test_people_are_hidden_under_every_name() -> None:
    """A value is hidden where it has the mapping's name, and shown where it has the system's."""
    assert {"last_name", "LastName", "email", "Email", "birth_date", "BirthDate", "Phone"} <= PERSON
    assert not {"organisation", "CustomerId", "Account"} & PERSON


def test_companies_and_products_are_not_hidden() -> None:
    """Metadata of companies and products tells nothing any more."""
    for name in ("organisation", "product", "sales_document"):
        assert about_people(MAPPINGS.subjects[name]) == frozenset()


def test_only_values_of_hidden_properties_are_cut() -> None:
    """Either a person's name is shown, or nothing at all."""
    frame = pd.DataFrame(
        {
            "property": ["last_name", "organisation", "email"],
            "before": ["Vries", "customerp.customer/cus-1", ""],
            "after": ["Jansen", "customerp.customer/cus-2", pd.NA],
            "rule": ["latest", "latest", "latest"],
        },
        dtype="str",
    )
    shown = MASKED.frame(frame, PERSON, ["before", "after"])
    assert shown["before"].tolist() == ["V•••", "customerp.customer/cus-1", ""]
    assert shown["after"].tolist()[:2] == ["J•••", "customerp.customer/cus-2"]
    assert shown["after"].isna().tolist() == [False, False, True]
    assert shown["rule"].tolist() == ["latest"] * 3
    assert frame["before"].tolist()[0] == "Vries"


def test_a_cut_value_keeps_its_first_letter_and_not_its_length() -> None:
    """A short name is given away by the number of its dots."""
    assert MASKED.value("Jo") == MASKED.value("Johannes") == "J•••"
    assert MASKED.value("") == ""


def test_words_of_a_system_are_cut_where_they_repeat_a_value() -> None:
    """A refusal shows in the log what the person is called."""
    words = "Exact refuses it with 'E-mail jan.vries@thuis.example is in use by Jan Vries'."
    assert MASKED.words(words, ["jan.vries@thuis.example", "Vries", "Jan", None, ""]) == (
        "Exact refuses it with 'E-mail j••• is in use by J••• V•••'."
    )
    assert MASKED.words("the initials are not in order", ["in", "no"]) == "the initials are not in order"


def test_the_reason_of_a_document_does_not_tell_about_its_contact() -> None:
    """The private address of a contact shows beside every order that waits for them."""
    reason = "waits for customerp.contact/con-1, which is held: Email: 'jan at O'Neill' is not an e-mail address."
    assert MASKED.reason(reason, MAPPINGS) == (
        "waits for customerp.contact/con-1, which is held: Email: 'j•••' is not an e-mail address."
    )
    company = (
        "waits for customerp.customer/cus-1, which is held: Country: 'NEDERLAND' is not a two-letter country code."
    )
    assert MASKED.reason(company, MAPPINGS) == company
    plain = "waits for customerp.contact/con-1, which is not known"
    assert MASKED.reason(plain, MAPPINGS) == plain


@pytest.mark.parametrize(("people", "value"), [(People("full"), "O'Neill"), (People("none"), "•••")])
def test_a_team_shows_all_or_nothing(people: People, value: str) -> None:
    """A team that may see everything cannot, or one that may see nothing is shown how names begin."""
    assert people.value("O'Neill") == value
    assert people.value("") == ""
    frame = pd.DataFrame({"property": ["last_name", "organisation"], "after": ["O'Neill", "cus-1"]}, dtype="str")
    assert people.frame(frame, PERSON, ["after"])["after"].tolist() == [value, "cus-1"]
    assert people.words("it is O'Neill", ["O'Neill"]) == f"it is {value}"
    reason = "waits for customerp.contact/con-1, which is held: Email: 'O'Neill' is not an e-mail address."
    assert people.reason(reason, MAPPINGS) == reason.replace("O'Neill", value)


@pytest.mark.parametrize(
    ("hold", "shown"),
    [
        # The property's name in the mapping and in the system; a value with the quote in it; one that is not quoted.
        (("customerp.contact/1", "email", "jan", "Email: 'jan' is no address."), "Email: 'j•••' is no address."),
        (("exact.contacts/1", "Email", "O'Neil's", "Email: 'O'Neil's' is bad."), "Email: 'O•••' is bad."),
        (("exact.contacts/1", "email", "a", "Exact still holds 'jan@thuis'"), "Exact still holds 'j•••'"),
        (("exact.contacts/1", "email", None, "Exact still holds 'jan@thuis'"), "Exact still holds 'j•••'"),
        (("exact.contacts/1", "email", "jan,b", "'jan,b' has an item with ','"), "'j•••' has an item with ','"),
        (("exact.contacts/1", "organisation", "a/1", "'a/1' is not known"), "'a/1' is not known"),
        # Another record's hold, told at one that is about nobody; what is about nobody; what is not mapped any more.
        (("customerp.quote/1", "contact", "x", "waits for customerp.contact/1: 'jan' is bad"), None),
        (("customerp.customer/1", "email", "info", "Email: 'info' is no address."), "Email: 'info' is no address."),
        (("exact.leads", "volume", None, "501 writes are owed, more than 500"), "501 writes are owed, more than 500"),
    ],
)
def test_why_a_record_is_held_does_not_tell_about_the_person(
    hold: tuple[str, str, str | None, str], shown: str | None
) -> None:
    """The value that is wrong of a person is read by everybody in the sentence that says what is wrong with it."""
    told = MASKED.held(dict(zip(("record", "property", "value", "reason"), hold, strict=True)), MAPPINGS)
    assert told == (shown or "waits for customerp.contact/1: 'j•••' is bad")


def test_quoted_values_are_cut_and_what_is_told_of_them_is_not() -> None:
    """A value of a person shows in what is said about its undoing, or nothing is said any more."""
    told = f"it was decided anew in run r-1: {'Andersnaam'!r} of customerp.contact/2"
    assert MASKED.quoted(told) == "it was decided anew in run r-1: 'A•••' of customerp.contact/2"
    told = f"the run replaced: {chr(34) + chr(39)!r} in a/1, {'O' + chr(39) + 'Neill'!r} in b/2, nothing in c/3"
    assert MASKED.quoted(told) == 'the run replaced: \'"•••\' in a/1, "O•••" in b/2, nothing in c/3'
    assert MASKED.quoted("(empty)") == "(empty)"
    assert People("full").quoted(told) == told
