"""`talk-assets exact login`, in a terminal and a browser, against the local Exact Online."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from talk_assets.errors import LedgerLost
from talk_assets.ledger.database import open_ledger
from talk_assets.ledger.tokens import TokenStore
from talk_assets_tests.conftest import DatabaseServer
from talk_assets_tests.exact_setup.person import Browser, allow, at, log_in, settings_of
from talk_assets_tests.installed import FEW, Home, home, seed
from talk_assets_tests.sandbox.exact.site import DIVISION, Site, running
from talk_assets_tests.systems.loopback import free_port

REDIRECT = "https://localhost/callback"


@pytest.fixture
def site() -> Iterator[Site]:
    with running(refresh_token="first-refresh") as site:
        yield site


@pytest.fixture
def place(site: Site, database_server: DatabaseServer) -> Iterator[Home]:
    with home(settings_of(site), database_server) as made:
        yield made


def tokens(place: Home) -> list[tuple[str, list[str]]]:
    """Login and number of seeds of the stored tokens."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        found = [tuple(row) for row in connection.execute(sa.text("select login, seeds from talk.token"))]
    ledger.close()
    return found


def test_a_login_by_pasting_the_address(place: Home, site: Site) -> None:
    """A newcomer cannot connect at all, or is left alone with a screen that says nothing of what comes next."""
    browser = Browser()
    done = log_in(place, browser=browser)
    assert done.code == 0, done.err
    (page,) = browser.pages
    shown, *listed = done.out.splitlines()
    assert shown == page
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    state = asked.pop("state")
    assert len(state) >= 32
    assert asked == {"client_id": "app", "redirect_uri": REDIRECT, "response_type": "code", "force_login": "0"}
    assert [line.split("\t")[:2] for line in listed] == [["222", "Tweede BV"], [str(DIVISION), "Sandbox BV"]]
    assert f"The browser then ends on {REDIRECT}?code=... and may show an error page" in done.err
    assert "The login's tokens are stored, encrypted, in the ledger." in done.err
    assert re.search(r"Logged in as .+ \(sandbox\)\.", done.err)
    assert (
        "Write the number of the one that is to be synchronised into EXACT_DIVISION. Next: talk-assets exact check"
        in (done.complaint)
    )
    assert tokens(place) == [(f"{site.address[7:]}/app", [])]


def test_every_login_has_a_state_of_its_own(place: Home) -> None:
    """Somebody could have a user finish a login that another person began, into that person's books."""
    browser = Browser(lambda _address: "")
    for _ in range(2):
        log_in(place, browser=browser)
    first, second = (parse_qs(urlsplit(page).query)["state"][0] for page in browser.pages)
    assert first != second


def test_what_a_login_stored_is_used_without_any_further_setting(place: Home, site: Site) -> None:
    """After the login a person would still be asked for a refresh token that nobody has."""
    assert log_in(place).code == 0
    site.clock.advance(seconds=300)
    before = site.http.get("/_admin/calls").json()["calls"]["POST /api/oauth2/token"]
    done = place.call("exact", "divisions")
    assert done.code == 0, done.err
    assert site.http.get("/_admin/calls").json()["calls"]["POST /api/oauth2/token"] == before == 1


def test_a_configured_token_does_not_come_back_after_a_login(place: Home) -> None:
    """The login that a person has just done would be replaced by an old one, perhaps of somebody who has left."""
    configured: dict[str, str | None] = {"EXACT_REFRESH_TOKEN": "first-refresh"}
    with at(Browser()):
        done = place.call("exact", "login", "--open", **configured)
    assert done.code == 0
    assert "EXACT_REFRESH_TOKEN is not used any more: take it out of the settings." in done.err
    stored = tokens(place)
    assert place.call("exact", "divisions", **configured).code == 0
    assert tokens(place) == stored, "the configured token was spent"
    assert len(stored[0][1]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        lambda address: address.split("?")[1],
        lambda address: address.split("code=")[1].split("&")[0],
        lambda address: f"  {address}#top ",
    ],
    ids=["its query", "its code", "with space around it"],
)
def test_what_people_copy_of_the_address_will_do(place: Home, changes: Callable[[str], str]) -> None:
    """A person who copies the code as other tools ask for it is sent back to log in once more, with a minute less."""
    assert log_in(place, browser=Browser(changes)).code == 0


def refused(place: Home, *words: str, browser: Browser | None = None, **changes: str | None) -> str:
    done = log_in(place, *words, browser=browser, **changes)
    assert done.code == 2, done
    assert "Traceback" not in done.err
    _, found, sentence = done.complaint.rpartition("Error: ")
    assert found, done.err
    assert "app-secret" not in done.err
    return sentence


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        (lambda a: re.sub("state=[^&]+", "state=of-somebody-else", a), "does not carry the state of this login"),
        (lambda a: re.sub("&state=[^&]+", "", a), "does not carry the state of this login"),
        (lambda a: re.sub("code=[^&]+", "error=access_denied", a), "Exact gave no access: access_denied."),
        (lambda a: re.sub("code=[^&]+&", "", a), "The address holds no code."),
        (lambda _: "https://localhost/callback", "The address holds no code."),
        (lambda _: "", "No address was pasted."),
        (lambda _: "a-code-that-exact-never-gave", "A code works once and for three minutes"),
    ],
    ids=["another state", "no state", "not allowed", "no code", "no query", "nothing", "a made-up code"],
)
def test_an_address_that_will_not_do_is_refused(place: Home, pasted: Callable[[str], str], said: str) -> None:
    """Somebody else's login would be stored, or a slip of copying ends in something about HTTP."""
    sentence = refused(place, browser=Browser(pasted))
    assert said in sentence
    assert "run `talk-assets exact login` again" in sentence
    assert "a-code" not in sentence
    assert tokens(place) == []


def test_a_code_that_is_too_old_is_told(place: Home, site: Site) -> None:
    """A person who was called away meanwhile cannot tell what to do."""

    def late(address: str) -> str:
        site.clock.advance(minutes=3)
        return address

    assert "A code works once and for three minutes" in refused(place, browser=Browser(late))


def test_a_wrong_client_secret_names_the_settings(place: Home) -> None:
    """A person would look for a fault in the address that was pasted."""
    sentence = refused(place, EXACT_CLIENT_SECRET="wrong-secret")
    assert "EXACT_CLIENT_ID and EXACT_CLIENT_SECRET" in sentence
    assert "EXACT_REDIRECT_URI" in sentence, "the same answer is on record for a code that will not do"
    assert "wrong-secret" not in sentence


class _Nothing:
    """A terminal whose user gives up."""

    def readline(self, _size: int = -1) -> str:
        return ""


def test_giving_up_at_the_prompt_is_no_crash(place: Home) -> None:
    """Ctrl-D, or a script without an answer, shows a screen of Python."""
    with at(Browser(), terminal=_Nothing()):
        done = place.call("exact", "login")
    assert done.code == 2
    assert done.complaint.endswith("No address was pasted. Nothing was changed; run `talk-assets exact login` again.")


@pytest.mark.parametrize("missing", ["EXACT_CLIENT_ID", "EXACT_CLIENT_SECRET"])
def test_a_login_needs_three_settings_and_no_other(place: Home, missing: str) -> None:
    """A newcomer would have to fill in Customerp before seeing whether Exact lets them in."""
    needed = ["EXACT_URL", "EXACT_CLIENT_ID", "EXACT_CLIENT_SECRET"]
    assert set(place.settings) == {"TALK_HOME", "COLUMNS", "TALK_DATABASE_URL", *needed}
    said = f"{missing} is not set; set all of {', '.join(needed)}, or neither CUSTOMERP_URL nor EXACT_URL"
    assert refused(place, **{missing: None}).startswith(said)
    synced = place.call("sync")
    assert synced.code == 2
    assert "CUSTOMERP_URL, CUSTOMERP_TOKEN, EXACT_DIVISION are not set" in synced.complaint


def test_wrong_addresses_are_told(place: Home) -> None:
    """A slip in a setting shows as an outage, or as a page that cannot be opened."""
    assert "EXACT_REDIRECT_URI: not an http(s) address" in refused(place, EXACT_REDIRECT_URI="localhost/callback")
    assert "EXACT_URL: not an http(s) address" in refused(place, EXACT_URL="start.exactonline.nl")


class _Following(Browser):
    """A browser that follows Exact's redirect to this machine, and asks for an icon first, as browsers do."""

    def __init__(self, changes: Callable[[str], str] | None = None) -> None:
        super().__init__(changes)
        self.answers: list[httpx.Response] = []
        self._coming: list[threading.Thread] = []

    def open(self, page: str) -> bool:
        super().open(page)
        coming = threading.Thread(target=self._come_back, args=(page,))
        coming.start()
        self._coming.append(coming)
        return True

    def _come_back(self, page: str) -> None:
        target = self._changes(allow(page))
        idle = socket.create_connection((urlsplit(target).hostname or "", urlsplit(target).port or 0))
        self.answers = [httpx.get(target.partition("/callback")[0] + "/favicon.ico"), httpx.get(target)]
        idle.close()


@pytest.fixture
def local(database_server: DatabaseServer) -> Iterator[Home]:
    """An app registration that comes back to this machine."""
    redirect = f"http://localhost:{free_port()}/callback"
    with (
        running(redirect_uri=redirect) as site,
        home({**settings_of(site), "EXACT_REDIRECT_URI": redirect}, database_server) as made,
    ):
        yield made


def test_a_login_that_comes_back_to_this_machine(local: Home) -> None:
    """Where the browser can come back by itself a person would still have to copy and paste."""
    browser = _Following()
    done = log_in(local, browser=browser)
    assert done.code == 0, done.err
    assert "Logged in as" in done.err
    assert [answer.status_code for answer in browser.answers] == [404, 200]
    assert "code=" not in done.err + done.out.partition("\n")[2]
    with pytest.raises(httpx.ConnectError):
        httpx.get(str(local.settings["EXACT_REDIRECT_URI"]))


def test_a_redirect_of_another_login_is_refused(local: Home) -> None:
    """A page in the same browser could slip its own login into the books of this company."""
    sentence = refused(local, browser=_Following(lambda a: re.sub("state=[^&]+", "state=x", a)))
    assert "does not carry the state of this login" in sentence
    assert tokens(local) == []


def test_a_port_that_is_taken_is_told(local: Home) -> None:
    """The login would wait for a browser that comes back to another program."""
    port = urlsplit(local.settings["EXACT_REDIRECT_URI"]).port
    with socket.create_server(("127.0.0.1", port or 0)):
        sentence = refused(local)
        assert f"EXACT_REDIRECT_URI: nothing can listen at 127.0.0.1:{port}" in sentence
        assert "--paste" in sentence
        assert log_in(local, "--paste").code == 0


def test_nobody_comes_back(local: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login in a forgotten terminal would wait for ever, and listen all the while."""
    monkeypatch.setattr("talk_assets.commands.exact_login.WAIT_SECONDS", 0.1)
    assert "Nobody came back from the login" in refused(local)


def test_a_login_in_a_terminal_that_knows_no_test(place: Home, site: Site) -> None:
    """What a person types and sees differs from what the tests above drive."""
    program = Path(sys.executable).with_name("talk-assets")
    with (
        place.environment(),
        subprocess.Popen(
            [program, "exact", "login", "--force-login"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        page = process.stdout.readline().strip()
        assert "force_login=1" in page
        out, err = process.communicate(f"{allow(page)}\n", timeout=60)
    assert process.returncode == 0, err
    assert f"{DIVISION}\tSandbox BV\tNL\tactive" in out
    assert "Next: talk-assets exact check" in err


def test_a_login_in_the_sandbox(database_server: DatabaseServer) -> None:
    """Somebody who tries it out first takes made-up data for their own, or cannot try it at all."""
    with home({}, database_server) as fresh:
        seed(fresh.folder, FEW)
        done = log_in(fresh, EXACT_REDIRECT_URI="https://sync.example.com/callback")
        assert done.code == 0, done.err
        assert done.err.startswith("No system is configured: using the sandbox")
        assert "EXACT_REFRESH_TOKEN" not in done.err
        assert quote(REDIRECT, safe="") in done.out
        ((login, _),) = tokens(fresh)
        assert re.fullmatch(r"sandbox/[0-9a-f-]{36}", login)
        listed = fresh.call("exact", "divisions")
    assert listed.code == 0, listed.err
    assert "\tEXACT_DIVISION\n" in listed.out


def test_a_login_whose_tokens_cannot_be_stored_says_so(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person would believe to be logged in, or try the same code again."""

    def save(_store: TokenStore, _system: str, _stored: object) -> None:
        raise LedgerLost("The ledger's database failed: no space left.")

    monkeypatch.setattr(TokenStore, "save", save)
    sentence = refused(place)
    assert sentence.startswith("The login's tokens could not be stored, and nothing else knows them: ")
    assert sentence.endswith("Then run `talk-assets exact login` again.")
