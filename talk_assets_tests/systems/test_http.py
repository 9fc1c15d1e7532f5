import time
from collections.abc import Callable, Generator

import httpx
import pytest

from talk_assets.errors import ConfigurationError, SystemUnavailable, UnexpectedAnswer
from talk_assets.systems.http import HttpClient
from talk_assets.systems.repeats import Effect, Patience
from talk_assets_tests.systems.loopback import CUT, Answer, Asked, free_port, loopback


def client(url: str, naps: list[float], **options: object) -> HttpClient:
    return HttpClient("exact", url, "EXACT_URL", sleep=naps.append, **options)  # type: ignore[arg-type]


def in_turn(*answers: Answer) -> Callable[[Asked], Answer]:
    left = list(answers)
    return lambda _asked: left.pop(0) if len(left) > 1 else left[0]


def test_a_read_survives_passing_faults() -> None:
    """Without it every hiccup of the network ends a sync."""
    naps: list[float] = []
    with loopback(in_turn(Answer(503), CUT, Answer(502), Answer(200, {"a": 1}))) as server:
        http = client(server.url, naps)
        response = http.send("GET", "/x", doing="reading x", effect=Effect.NONE)
        assert http.decode(response, "reading x") == {"a": 1}
        assert http.calls == 4
    assert len(naps) == 3
    assert naps == sorted(naps), "waits have to grow"


def test_a_read_asks_past_caches_and_a_write_says_nothing_of_them() -> None:
    """A list that a proxy kept from before our own writes would look as if somebody had put the old values back."""
    with loopback(in_turn(Answer(200, {}))) as server:
        http = client(server.url, [])
        http.send("GET", "/x", doing="reading x", effect=Effect.NONE, headers={"Accept": "a/b"})
        http.send("PUT", "/x", doing="changing x", effect=Effect.REPEATABLE)
        read, written = server.asked
    assert (read.headers["Cache-Control"], read.headers["Accept"]) == ("no-cache", "a/b")
    assert "Cache-Control" not in written.headers


def test_half_a_character_does_not_stop_a_read() -> None:
    """A text that Exact cut within an emoji could not be stored, and would stop its whole feed."""
    with loopback(in_turn(Answer(200, {"a": "cut \ud83d"}))) as server:
        http = client(server.url, [])
        response = http.send("GET", "/x", doing="reading x", effect=Effect.NONE)
        assert http.decode(response, "reading x") == {"a": "cut \ufffd"}


@pytest.mark.parametrize("fault", [CUT, Answer(500), Answer(503), Answer(504), Answer(408)])
def test_a_create_is_not_repeated_blindly(fault: Answer) -> None:
    """A repeated POST whose first answer was lost makes a second customer in somebody's books."""
    with loopback(in_turn(fault, Answer(201, {}))) as server:
        with pytest.raises(SystemUnavailable) as caught:
            client(server.url, []).send("POST", "/x", doing="creating x", effect=Effect.ONCE, json={})
        assert len(server.asked) == 1
    assert caught.value.outcome_unknown


def test_a_create_that_never_left_is_known_not_to_have_happened() -> None:
    """Else each outage would leave inserts to look up that never were sent."""
    with pytest.raises(SystemUnavailable) as caught:
        client(f"http://127.0.0.1:{free_port()}", []).send("POST", "/x", doing="creating x", effect=Effect.ONCE)
    assert not caught.value.outcome_unknown
    assert "EXACT_URL" in str(caught.value)
    assert "creating x" in str(caught.value)


def test_a_refused_create_is_repeated_after_the_wait_that_was_asked() -> None:
    """A 429 did nothing, so that giving up would only delay the write."""
    naps: list[float] = []
    with loopback(in_turn(Answer(429, headers={"Retry-After": "7"}), Answer(201, {}))) as server:
        response = client(server.url, naps).send("POST", "/x", doing="creating x", effect=Effect.ONCE)
    assert response.status_code == 201
    assert naps == [7.0]


def test_a_repeatable_write_that_was_cut_once_stays_unknown() -> None:
    """A write whose first attempt may have worked must not be told as not done because the last one did not connect."""
    with loopback(in_turn(CUT, Answer(429, headers={"Retry-After": "900"}))) as server:
        with pytest.raises(SystemUnavailable) as caught:
            client(server.url, []).send("PUT", "/x", doing="updating x", effect=Effect.REPEATABLE, json={})
        assert len(server.asked) == 2
    assert caught.value.outcome_unknown
    assert caught.value.retry_after == 900


def test_reads_are_never_of_unknown_outcome() -> None:
    """A failed read would otherwise be looked up like a lost insert."""
    with loopback(in_turn(CUT)) as server, pytest.raises(SystemUnavailable) as caught:
        client(server.url, []).send("GET", "/x", doing="reading x", effect=Effect.NONE)
    assert not caught.value.outcome_unknown


def test_repeats_are_bounded() -> None:
    """A system that is down for the day would hang the run for the day."""
    naps: list[float] = []
    with loopback(in_turn(Answer(503))) as server:
        http = client(server.url, naps, patience=Patience(attempts=3))
        with pytest.raises(SystemUnavailable):
            http.send("GET", "/x", doing="reading x", effect=Effect.NONE)
        assert len(server.asked) == 3
    assert len(naps) == 2


@pytest.mark.parametrize(("asked", "naps"), [("50", [50.0, 50.0]), ("200", [])])
def test_waits_for_one_request_are_bounded_together(asked: str, naps: list[float]) -> None:
    """Five waits that are each short enough would hold a run for ten minutes, feed after feed."""
    slept: list[float] = []
    with loopback(in_turn(Answer(429, headers={"Retry-After": asked}))) as server, pytest.raises(SystemUnavailable):
        client(server.url, slept).send("GET", "/x", doing="reading x", effect=Effect.NONE)
    assert slept == naps


def test_a_write_is_not_sent_again_when_much_time_has_passed() -> None:
    """A change that got no answer for a minute would overwrite what a colleague has entered in that minute."""
    patience = Patience(longest_write=0.3)
    with loopback(in_turn(CUT)) as server:
        for effect in (Effect.REPEATABLE, Effect.NONE):
            with pytest.raises(SystemUnavailable) as caught:
                client(server.url, [], patience=patience).send("PUT", "/x", doing="updating x", effect=effect)
            assert caught.value.outcome_unknown is (effect is Effect.REPEATABLE)
        assert len(server.asked) == 1 + patience.attempts


def test_silence_ends_by_time_out() -> None:
    """A server that takes a request and says nothing would hang the run."""

    def slow(_asked: Asked) -> Answer:
        time.sleep(0.5)
        return Answer()

    with loopback(slow) as server:
        http = client(server.url, [], timeout=0.1, patience=Patience(attempts=1))
        with pytest.raises(SystemUnavailable, match="no answer in time") as caught:
            http.send("POST", "/x", doing="creating x", effect=Effect.ONCE)
    assert caught.value.outcome_unknown


def test_a_redirect_is_not_followed() -> None:
    """The access token would be handed to whatever host the answer names."""
    with loopback(lambda _asked: Answer(302, headers={"Location": "https://elsewhere.example/login?x=1"})) as server:
        with pytest.raises(UnexpectedAnswer, match=r"https://elsewhere\.example; correct EXACT_URL"):
            client(server.url, []).send("GET", "/x", doing="reading x", effect=Effect.NONE)
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        "https://start.example/next",
        "http://start.example:8443/next",
        "https://evil.example:8443/next",
        "HTTPS://evil.example:8443/next",
        "https://start.example:8443@evil.example/next",
        "https://me@start.example:8443/next",
        "@evil.example/next",
        "0@evil.example/next",
        "https://[next",
    ],
)
def test_an_address_of_another_origin_is_refused(other: str) -> None:
    """A page link to another host, however it is spelt, would carry the access token there."""
    with pytest.raises(UnexpectedAnswer, match=r"another host|no address"):
        client("https://start.example:8443", []).address(other, "reading x")


@pytest.mark.parametrize("other", [".evil.example/next", "@evil.example/next", ":8443/next"])
def test_a_path_cannot_change_the_host_that_it_is_put_after(other: str) -> None:
    """An answer would choose the host that gets the access token by what it leaves out of a page link."""
    with pytest.raises(UnexpectedAnswer, match="another host"):
        client("https://start.example", []).address(other, "reading x")


def test_addresses_of_the_own_origin_are_taken() -> None:
    """Every second page would be refused."""
    http = client("https://start.example:8443", [])
    assert http.address("https://start.example:8443/next", "reading x").path == "/next"
    assert http.address("https://START.example:8443/next", "reading x").path == "/next"
    assert http.address("//evil.example/next", "reading x").host == "start.example"
    assert http.address("?page=2", "reading x").query == b"page=2"
    assert client("https://start.example", []).address("https://start.example:443/x", "reading x").path == "/x"


def test_no_credentials_leave_for_another_origin() -> None:
    """An address in a notification or a page link would have the access token sent to whoever wrote it."""

    class Token(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["Authorization"] = "Bearer of-the-own-origin"
            yield request

    with loopback(lambda _asked: Answer(200, {})) as own, loopback(lambda _asked: Answer(200, {})) as elsewhere:
        http = client(own.url, [], auth=Token())
        for address in (f"{elsewhere.url}/x", elsewhere.url.replace("http:", "HTTP:"), f"@{elsewhere.url[7:]}/x"):
            with pytest.raises(UnexpectedAnswer, match="another host"):
                http.send("GET", address, doing="reading x", effect=Effect.NONE)
        http.send("GET", f"{own.url}/x", doing="reading x", effect=Effect.NONE)
        assert [asked.headers["Authorization"] for asked in own.asked] == ["Bearer of-the-own-origin"]
        assert elsewhere.asked == []


def test_html_where_json_is_due_names_the_setting() -> None:
    """A wrong address answers with a login page; the person has to learn which setting that is."""
    with loopback(lambda _asked: Answer(200, "<html>Log in</html>")) as server:
        http = client(server.url, [])
        response = http.send("GET", "/x", doing="reading x", effect=Effect.NONE)
        with pytest.raises(UnexpectedAnswer, match=r"reading x: expected JSON, got text/html .*EXACT_URL"):
            http.decode(response, "reading x")


@pytest.mark.parametrize(
    "url", ["start.exactonline.nl", "ftp://x", "https://", "https://me:secret@x.example", "https://x:99999999"]
)
def test_a_wrong_address_is_told_before_any_call(url: str) -> None:
    """A typing error would show as an outage; and credentials in an address would be logged."""
    with pytest.raises(ConfigurationError, match="EXACT_URL") as caught:
        client(url, [])
    assert "secret" not in str(caught.value)


def test_credentials_that_fail_to_come_do_not_repeat_the_request() -> None:
    """A refresh that was given up would be begun anew by every repeat of the call that needed it."""
    tries: list[int] = []

    class Failing(httpx.Auth):
        def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            tries.append(1)
            if tries:
                raise SystemUnavailable("exact", "no token")
            yield request

    http = client("http://127.0.0.1:9", [])
    http.authenticate(Failing())
    with pytest.raises(SystemUnavailable, match="no token"):
        http.send("GET", "/x", doing="reading x", effect=Effect.NONE)
    assert len(tries) == 1
