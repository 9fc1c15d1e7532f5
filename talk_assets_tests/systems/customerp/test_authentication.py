"""Every way of showing who asks."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from talk_assets.errors import AccessDenied, ConfigurationError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.customerp.authentication import ClientCredentialsAuth
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.system import CustomerpSystem
from talk_assets_tests.systems.customerp.conftest import Connect
from talk_assets_tests.systems.loopback import Answer, Asked, free_port, loopback

WHO = {"name": "Customerp", "contract": "1"}
OAUTH = {"kind": "oauth2_client_credentials", "token_url": "/oauth/token", "scope": "erp.read erp.write"}


@pytest.mark.parametrize(
    ("settings", "secret", "header", "value"),
    [
        ({"kind": "bearer"}, "abc", "Authorization", "Bearer abc"),
        ({"kind": "header_key", "header": "X-Api-Key"}, "abc", "X-Api-Key", "abc"),
        (
            {"kind": "basic"},
            "jan:pässword:1",
            "Authorization",
            f"Basic {base64.b64encode('jan:pässword:1'.encode()).decode()}",
        ),
    ],
)
def test_the_secret_is_sent_as_the_erp_wants_it(
    settings: dict[str, str], secret: str, header: str, value: str, connect: Connect
) -> None:
    """Nothing can be read at all otherwise."""
    with loopback(lambda _asked: Answer(body=WHO)) as server:
        connect(server.url, {"authentication": settings}, secret).check()
    assert server.asked[0].headers[header] == value


@pytest.mark.parametrize(
    ("settings", "secret", "said"),
    [
        ({"kind": "bearer"}, "", "empty"),
        ({"kind": "bearer"}, "clé", "header cannot hold"),
        ({"kind": "header_key", "header": "X-Key"}, "a\nb", "cannot be seen"),
        ({"kind": "basic"}, "only-a-password", "user:password"),
        (OAUTH, "only-a-secret", "client id:client secret"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_before_any_call(
    settings: dict[str, str], secret: str, said: str, connect: Connect
) -> None:
    """The mistake would show as a refusal by the ERP, which says nothing of the form."""
    with pytest.raises(ConfigurationError) as caught:
        connect("http://127.0.0.1:1", {"authentication": settings}, secret)
    assert said in str(caught.value)
    assert "CUSTOMERP_TOKEN" in str(caught.value)
    assert not secret or secret not in str(caught.value)


class TokenServer:
    """Hands out numbered tokens and takes the newest one only."""

    def __init__(self, life: Any = 3600) -> None:
        self.tokens = 0
        self.life = life

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/oauth/token":
            self.tokens += 1
            return Answer(body={"access_token": f"token-{self.tokens}", "expires_in": self.life})
        known = asked.headers.get("Authorization") == f"Bearer token-{self.tokens}"
        return Answer(body=WHO) if known else Answer(401, {})


@pytest.mark.parametrize("place", ["header", "body"])
def test_a_token_is_bought_once_and_used(place: str, connect: Connect) -> None:
    """A token for every call would double the calls, and run into the limits of the token service."""
    tokens = TokenServer()
    with loopback(tokens) as server:
        customerp = connect(server.url, {"authentication": {**OAUTH, "client_in": place}}, "me:secret")
        customerp.check()
        customerp.check()
    bought = server.asked[0]
    assert bought.form["grant_type"] == "client_credentials"
    assert bought.form["scope"] == "erp.read erp.write"
    if place == "body":
        assert (bought.form["client_id"], bought.form["client_secret"]) == ("me", "secret")
    else:
        assert bought.headers["Authorization"] == f"Basic {base64.b64encode(b'me:secret').decode()}"
    assert (tokens.tokens, customerp.calls) == (1, 3)


def test_a_token_that_is_refused_is_replaced_once(connect: Connect) -> None:
    """A token that was withdrawn early would stop everything until the process starts again."""
    tokens = TokenServer()
    with loopback(tokens) as server:
        customerp = connect(server.url, {"authentication": OAUTH}, "me:secret")
        customerp.check()
        tokens.tokens += 1  # the server forgets the token that was handed out
        customerp.check()
    assert customerp.calls == 5


def test_a_token_is_replaced_before_its_end() -> None:
    """Calls would fail around the end of every token's life."""
    now = [0.0]
    bought: list[float] = []

    def buy() -> tuple[str, float]:
        bought.append(now[0])
        return f"token-{len(bought)}", 600.0

    auth = ClientCredentialsAuth(buy, clock=lambda: now[0])
    for now[0] in (0.0, 500.0, 539.0, 541.0, 1000.0, 1082.0):
        next(auth.auth_flow(httpx.Request("GET", "http://customerp.example")))
    assert bought == [0.0, 541.0, 1082.0]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(401, {"error": "invalid_client"}), AccessDenied, "CUSTOMERP_TOKEN"),
        (Answer(400, {"error": "invalid_scope"}), AccessDenied, "scope"),
        (Answer(200, {"token": "x"}), UnexpectedAnswer, "authentication.token_url"),
        (Answer(200, "<html>"), UnexpectedAnswer, "authentication.token_url"),
        (Answer(404, {}), UnexpectedAnswer, "authentication.token_url"),
        (Answer(503, {}), SystemUnavailable, "authentication.token_url"),
    ],
)
def test_a_token_that_is_not_given_is_told(answer: Answer, error: type[Exception], said: str, connect: Connect) -> None:
    """Whoever sets it up has to know whether the secret, the scope or the address is wrong."""
    with loopback(lambda _asked: answer) as server:
        customerp = connect(server.url, {"authentication": OAUTH}, "me:very-secret")
        with pytest.raises(error, match=said) as caught:
            customerp.create("customerp.customer", {"Name": "A"})
    assert "very-secret" not in str(caught.value)
    assert not getattr(caught.value, "outcome_unknown", False), "nothing was sent"


def test_a_token_service_elsewhere_gets_the_client_and_nobody_else(connect: Connect) -> None:
    """Many ERPs have their log-in on another host than their data."""
    with (
        loopback(lambda _asked: Answer(body={"access_token": "t", "expires_in": "60"})) as login,
        loopback(lambda _asked: Answer(body=WHO)) as server,
    ):
        connect(server.url, {"authentication": {**OAUTH, "token_url": f"{login.url}/token"}}, "me:secret").check()
    assert [asked.path for asked in login.asked] == ["/token"]
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer t"]


def test_nothing_that_can_be_printed_holds_the_secret(connect: Connect, capabilities: Any) -> None:
    """A secret in a log or trace-back has to be replaced everywhere."""
    customerp = connect("http://127.0.0.1:1", {}, "very-secret")
    shown: list[Callable[[], str]] = [lambda: repr(customerp), lambda: repr(vars(customerp)), lambda: repr(Profile())]
    assert all("very-secret" not in show() for show in shown)
    assert isinstance(customerp, CustomerpSystem)


def test_nothing_at_the_address_is_told_by_its_setting(connect: Connect) -> None:
    """The usual first mistake."""
    with pytest.raises(SystemUnavailable, match="CUSTOMERP_URL"):
        connect(f"http://127.0.0.1:{free_port()}").check()
