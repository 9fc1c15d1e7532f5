"""Tokens: their life, their rotation, and the page that starts it all."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from talk_assets_tests.sandbox.exact.site import CONFIG, DIVISION, Site, message, running


def test_a_token_answer_looks_like_exacts(site: Site) -> None:
    """A client that reads expires_in as a number would pass here and break on the real text."""
    tokens = site.token(grant_type="refresh_token", refresh_token=_refresh(site))
    assert tokens.json() | {"access_token": "", "refresh_token": ""} == {
        "access_token": "",
        "token_type": "bearer",
        "expires_in": "600",
        "refresh_token": "",
    }


def _refresh(site: Site) -> str:
    """A fresh refresh token, by way of a new authorisation."""
    answer = site.http.post(
        "/api/oauth2/auth",
        params={"client_id": "app", "redirect_uri": "https://localhost/callback", "response_type": "code"},
    )
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    site.clock.advance(seconds=1)
    tokens = site.token(grant_type="authorization_code", code=code, redirect_uri="https://localhost/callback")
    site.clock.advance(seconds=570)
    return str(tokens.json()["refresh_token"])


def test_a_refresh_before_570_seconds_is_refused() -> None:
    """A client that refreshes too often would look healthy here and be blocked by Exact."""
    with running() as site:
        tokens = site.log_in()
        site.clock.advance(seconds=569)
        early = site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert early.status_code == 400
        assert early.json() == {
            "error": "access_denied",
            "error_description": "Rate limit exceeded: access_token not expired",
        }
        assert early.headers["Reason"].startswith("TooEarlyToRefreshTokens: ")
        site.clock.advance(seconds=1)
        assert site.log_in(tokens["refresh_token"])["access_token"] != tokens["access_token"]


def test_the_570_seconds_can_be_relaxed() -> None:
    """A demonstration would have to wait ten minutes between two runs."""
    with running(token_refresh_seconds=0) as site:
        site.log_in(site.log_in()["refresh_token"])


def test_a_refresh_token_works_once(site: Site) -> None:
    """Two workers that refresh with one stored token would go unnoticed until the real Exact locks them out."""
    site.clock.advance(seconds=600)
    replay = site.token(grant_type="refresh_token", refresh_token="first-refresh")
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_dies_after_thirty_idle_days() -> None:
    """A connection left alone for a month would seem to work on."""
    with running() as site:
        site.clock.advance(days=30)
        late = site.token(grant_type="refresh_token", refresh_token="first-refresh")
        assert late.status_code == 400


def test_an_access_token_lives_600_seconds(site: Site) -> None:
    """A client that never refreshes in time would not be caught."""
    site.clock.advance(seconds=599)
    assert site.call("GET", "crm/Contacts").status_code == 200
    site.clock.advance(seconds=1)
    expired = site.call("GET", "crm/Contacts")
    assert (expired.status_code, expired.headers["Reason"]) == (401, "Authentication Required")
    assert message(expired) == "Unauthorized"


def test_a_call_without_or_with_a_wrong_token_is_refused(site: Site) -> None:
    """Missing credentials would be found only against the real Exact."""
    for header in ("", "Bearer nonsense", "Basic YTpi"):
        answer = site.http.get(f"/api/v1/{DIVISION}/crm/Contacts", headers={"Authorization": header})
        assert answer.status_code == 401


def test_a_code_is_exchanged_once_and_within_three_minutes(site: Site) -> None:
    """A log-in flow that holds on to its code would break on the real site."""
    query = {
        "client_id": "app",
        "redirect_uri": "https://localhost/callback",
        "response_type": "code",
        "state": "a&b",
    }
    page = site.http.get("/api/oauth2/auth", params=query)
    assert "Allow" in page.text
    back = site.http.post("/api/oauth2/auth", params=query)
    assert back.status_code == 302
    assert back.headers["location"].startswith("https://localhost/callback?")
    returned = parse_qs(urlsplit(back.headers["location"]).query)
    assert returned["state"] == ["a&b"]
    form = {
        "grant_type": "authorization_code",
        "code": returned["code"][0],
        "redirect_uri": "https://localhost/callback",
    }
    assert site.token(**(form | {"redirect_uri": "https://elsewhere"})).json()["error"] == "invalid_request"
    assert site.token(**form).status_code == 200
    assert site.token(**form).json()["error"] == "invalid_grant"
    old = parse_qs(urlsplit(site.http.post("/api/oauth2/auth", params=query).headers["location"]).query)
    site.clock.advance(minutes=3)
    assert site.token(**(form | {"code": old["code"][0]})).status_code == 400


def test_only_the_registered_app_may_ask(site: Site) -> None:
    """A mistyped secret or redirect address would be accepted."""
    query = {"client_id": "app", "redirect_uri": "https://evil", "response_type": "code"}
    assert site.http.post("/api/oauth2/auth", params=query).status_code == 400
    query = {"client_id": "other", "redirect_uri": "https://localhost/callback", "response_type": "code"}
    assert site.http.post("/api/oauth2/auth", params=query).status_code == 400
    assert site.http.post("/api/oauth2/auth", params=query | {"response_type": "token"}).status_code == 400
    wrong = site.token(grant_type="refresh_token", refresh_token="x", client_secret="wrong")
    assert wrong.json()["error"] == "unauthorized_client"
    assert site.token(grant_type="client_credentials").json()["error"] == "unsupported_grant_type"


def test_no_token_is_kept_or_shown_in_clear(site: Site) -> None:
    """A copied sandbox file or a printed configuration would hand out access."""
    from talk_assets.sandbox.exact.config import ExactConfig

    shown = repr(ExactConfig(**CONFIG))
    assert "app-secret" not in shown
    assert "first-refresh" not in shown
    access = site.http.headers["Authorization"].removeprefix("Bearer ")
    dump = "\n".join(site.store._connection.iterdump())
    assert access not in dump
    assert "first-refresh" not in dump


LOGIN = {"client_id": "app", "redirect_uri": "https://localhost/callback", "response_type": "code"}


def test_a_browser_is_led_through_the_page_to_the_code(site: Site) -> None:
    """A person could not log in: the page's button has to bring back what the app asked for."""
    state = "a&b='\"<ü>"
    page = site.http.get("/api/oauth2/auth", params=LOGIN | {"state": state, "force_login": "0"})
    found = re.search(r'action="([^"]+)"', page.text)
    assert found is not None
    back = site.http.post(html.unescape(found[1]))
    assert (back.status_code, back.headers["location"].partition("?")[0]) == (302, LOGIN["redirect_uri"])
    assert parse_qs(urlsplit(back.headers["location"]).query)["state"] == [state]


def test_the_code_arrives_encoded_and_has_to_be_decoded(site: Site) -> None:
    """A client that sends the code on as it stands in the address would find out in production."""
    back = site.http.post("/api/oauth2/auth", params=LOGIN).headers["location"]
    encoded = urlsplit(back).query.removeprefix("code=")
    decoded = parse_qs(urlsplit(back).query)["code"][0]
    assert encoded != decoded
    form = {"grant_type": "authorization_code", "redirect_uri": LOGIN["redirect_uri"]}
    assert site.token(**form, code=encoded).json()["error"] == "invalid_grant"
    assert site.token(**form, code=decoded).status_code == 200


def test_who_allowed_the_app_before_is_sent_back_at_once_unless_a_login_is_forced(site: Site) -> None:
    """A client could not tell the two meanings of force_login apart."""
    with httpx.Client(base_url=site.address) as browser, httpx.Client(base_url=site.address) as other:
        assert browser.get("/api/oauth2/auth", params=LOGIN).status_code == 200
        assert browser.post("/api/oauth2/auth", params=LOGIN).status_code == 302
        again = browser.get("/api/oauth2/auth", params=LOGIN | {"force_login": "0"})
        assert (again.status_code, "code=" in again.headers["location"]) == (302, True)
        assert browser.get("/api/oauth2/auth", params=LOGIN | {"force_login": "1"}).status_code == 200
        assert browser.get("/api/oauth2/auth", params=LOGIN | {"client_id": "other"}).status_code == 400
        assert other.get("/api/oauth2/auth", params=LOGIN).status_code == 200


def test_an_app_in_a_browser_gets_a_token_instead_of_a_code(site: Site) -> None:
    """The response type token is Exact's too; it comes without a refresh token, in the fragment."""
    back = site.http.post("/api/oauth2/auth", params=LOGIN | {"response_type": "token", "state": "s"})
    address = urlsplit(back.headers["location"])
    assert (back.status_code, address.query) == (302, "")
    tokens = {name: values[0] for name, values in parse_qs(address.fragment).items()}
    assert tokens | {"access_token": ""} == {
        "access_token": "",
        "token_type": "bearer",
        "expires_in": "600",
        "state": "s",
    }
    for kind in ("Bearer", "bearer"):
        headers = {"Authorization": f"{kind} {tokens['access_token']}"}
        assert site.call("GET", "crm/Contacts", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_id": "other"}, "unauthorized_client"),
        ({"redirect_uri": "https://localhost/callback/"}, "invalid_request"),
        ({"redirect_uri": "http://localhost/callback"}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
    ],
)
def test_the_page_refuses_what_is_not_registered(site: Site, change: dict[str, str], said: str) -> None:
    """A wrong registration would show up only after the person has logged in."""
    for method in ("GET", "POST"):
        answer = site.http.request(method, "/api/oauth2/auth", params=LOGIN | change)
        assert (answer.status_code, answer.text.partition(":")[0]) == (400, said), method


def test_the_app_may_show_its_secret_as_http_basic(site: Site) -> None:
    """Clients built on requests-oauthlib would work with Exact and not here (python-exact-online, exactpy)."""
    code = parse_qs(urlsplit(site.http.post("/api/oauth2/auth", params=LOGIN).headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": LOGIN["redirect_uri"]}
    token = "/api/oauth2/token"
    headers = {"Accept": "application/json"}
    wrong = httpx.post(f"{site.address}{token}", data=form, auth=("app", "wrong"), headers=headers)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "unauthorized_client")
    odd = httpx.post(f"{site.address}{token}", data=form, headers={b"Authorization": b"Basic \xfc"})
    assert odd.status_code == 400
    right = httpx.post(f"{site.address}{token}", data=form, auth=("app", "app-secret"), headers=headers)
    assert right.status_code == 200


def test_a_token_call_has_to_be_form_encoded(site: Site) -> None:
    """A client that sends JSON would work here only."""
    form = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "app-secret", "refresh_token": "x"}
    assert site.http.post("/api/oauth2/token", json=form).json()["error"] == "unauthorized_client"


def test_too_early_a_refresh_costs_nothing(site: Site) -> None:
    """A connection would break for good because one worker asked a second too early."""
    tokens = site.token(grant_type="refresh_token", refresh_token=_refresh(site)).json()
    for _ in range(3):
        early = site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert early.json()["error"] == "access_denied"
    site.clock.advance(seconds=570)
    assert site.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200
