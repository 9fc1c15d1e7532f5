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
