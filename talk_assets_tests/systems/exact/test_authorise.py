"""What comes back from an authorisation in the browser."""

import pytest

from talk_assets.errors import OrderRefused
from talk_assets.systems.exact.authorise import authorise_url, read_redirect


@pytest.mark.parametrize(
    "address",
    [
        "https://localhost/callback?code=stampNL.a%2Bb%21c%3D&state=s%2F1",
        "https://localhost/callback?state=s/1&code=stampNL.a+b!c=#top",
        "state=s/1&code=stampNL.a+b!c=",
        "stampNL.a%2Bb%21c%3D",
        "stampNL.a+b!c=",
    ],
)
def test_a_code_is_decoded(address: str) -> None:
    """Exact refuses a code as it stands in an address, and a person has three minutes to find out why."""
    assert read_redirect(address, "s/1") == "stampNL.a+b!c="


@pytest.mark.parametrize("state", ["", "s", "s/11", "s%252F1", "\u00e9"])
def test_only_the_own_state_is_taken(state: str) -> None:
    """A login that somebody else began would be finished here."""
    with pytest.raises(OrderRefused, match="does not carry the state"):
        read_redirect(f"https://localhost/callback?code=c&state={state}", "s/1")


def test_what_exact_says_of_a_refusal_is_told() -> None:
    """A person who may not allow the app would not learn of it."""
    with pytest.raises(OrderRefused, match=r"Exact gave no access: access_denied, No rights here\."):
        read_redirect("/callback?error=access_denied&error_description=No%20rights%20here&state=s", "s")


def test_the_page_keeps_the_redirect_address_letter_by_letter() -> None:
    """Exact refuses a redirect address that differs in a letter from the registered one."""
    url = authorise_url("https://x.example", "{id}", "https://a.example/b?c=d&e", "s t", force_login=True)
    assert url == (
        "https://x.example/api/oauth2/auth?client_id=%7Bid%7D&redirect_uri=https%3A%2F%2Fa.example%2Fb%3Fc%3Dd%26e"
        "&response_type=code&state=s%20t&force_login=1"
    )
