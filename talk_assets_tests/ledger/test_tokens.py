"""Tokens, stored encrypted per login and refreshed by one process at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from cryptography.fernet import Fernet

from talk_assets.errors import LedgerError
from talk_assets.ledger import migrations
from talk_assets.ledger.database import Ledger, normalise, open_ledger
from talk_assets.ledger.locks import advisory_lock
from talk_assets.ledger.secrets import Cipher
from talk_assets.ledger.tokens import TokenStore
from talk_assets.systems.tokens import StoredToken
from talk_assets_tests.conftest import DatabaseServer

NOW = datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
LOGIN = "start.exact.example/the-app"


def token(name: str, *seeds: str) -> StoredToken:
    return StoredToken(f"access-{name}", f"refresh-{name}", NOW, NOW + timedelta(minutes=10), seeds or ("seed",))


def store(
    ledger: Ledger, key: bytes, login: str = LOGIN, division: str | None = "1", wait_seconds: float = 5
) -> TokenStore:
    return TokenStore(ledger, Cipher(key.decode(), "test"), login, division, wait_seconds=wait_seconds)


def test_tokens_come_back_as_they_were_stored_last(ledger: Ledger) -> None:
    """Else access to Exact is lost: a refresh token works once."""
    tokens = store(ledger, Fernet.generate_key())
    assert tokens.load("exact") is None
    for name in ("one", "two"):
        tokens.save("exact", token(name, "first", name))
    assert tokens.load("exact") == token("two", "first", "two")
    assert tokens.seeds("exact") == ("first", "two")
    assert tokens.load("customerp") is None


def test_divisions_of_a_login_share_its_tokens_and_logins_do_not(ledger: Ledger) -> None:
    """Else two administrations of one user would refresh the same token twice, or two apps overwrite each other's."""
    key = Fernet.generate_key()
    store(ledger, key, division="1").save("exact", token("one"))
    assert store(ledger, key, division="2").load("exact") == token("one")
    assert store(ledger, key, division=None).load("exact") == token("one")
    for other in ("start.exact.example/other-app", "start.elsewhere.example/the-app"):
        assert store(ledger, key, other).load("exact") is None


def test_no_secret_is_stored_or_shown_in_clear(ledger: Ledger) -> None:
    """Else whoever reads the ledger or a log can act in somebody's books."""
    store(ledger, Fernet.generate_key()).save("exact", token("geheim"))
    with ledger.begin() as connection:
        stored = connection.execute(sa.text("select encode(secret, 'escape'), token::text from talk.token as token"))
        assert "geheim" not in str(stored.all())
    assert "geheim" not in repr(token("geheim"))


def test_a_token_saved_during_a_preview_stays(ledger: Ledger) -> None:
    """Else a preview that refreshed the token would end the access to Exact."""
    key = Fernet.generate_key()
    with ledger.preview() as preview:
        with preview.begin() as connection:
            connection.execute(sa.text("select 1"))
        with store(preview, key).locked("exact"):
            store(preview, key).save("exact", token("rotated"))
        assert store(preview, key).load("exact") == token("rotated")
    assert store(ledger, key).load("exact") == token("rotated")


def test_one_process_refreshes_at_a_time(ledger: Ledger) -> None:
    """Else two processes, also of two divisions, would spend one refresh token, and both lose access."""
    key = Fernet.generate_key()
    with store(ledger, key, division="1").locked("exact"):
        with pytest.raises(LedgerError, match=f"token of exact for {LOGIN}"):
            store(ledger, key, division="2", wait_seconds=0.1).locked("exact").__enter__()
        for other in (("customerp", LOGIN), ("exact", "start.exact.example/other-app")):
            with store(ledger, key, other[1], wait_seconds=0.1).locked(other[0]):
                pass
    with store(ledger, key, wait_seconds=0.1).locked("exact"):
        pass


def test_tokens_of_another_key_are_refused_with_a_sentence(ledger: Ledger) -> None:
    """Else a lost key file would look like an error of Exact, or a login could not replace what nobody can read."""
    store(ledger, Fernet.generate_key()).save("exact", token("one"))
    other = store(ledger, Fernet.generate_key())
    with pytest.raises(
        LedgerError, match=rf"The stored token of exact for {LOGIN} cannot be decrypted .*`talk-assets exact login`"
    ):
        other.load("exact")
    assert other.seeds("exact") == ("seed",)
    other.save("exact", token("two"))
    assert other.load("exact") == token("two")


def test_a_damaged_row_is_refused_with_a_sentence(ledger: Ledger) -> None:
    """Else a row changed by hand ends in a trace, perhaps with its content."""
    key = Fernet.generate_key()
    store(ledger, key).save("exact", token("one"))
    with ledger.begin() as connection:
        secret = Cipher(key.decode(), "test").encrypt('{"access": "geheim"}')
        connection.execute(sa.text("update talk.token set secret = :secret"), {"secret": secret})
    with pytest.raises(LedgerError, match="damaged") as caught:
        store(ledger, key).load("exact")
    assert "geheim" not in str(caught.value)


class Former:
    """A ledger of revision 0008, which kept tokens per division."""

    def __init__(self, url: str, key: bytes) -> None:
        self.url = url
        self.key = key
        self._engine = sa.create_engine(normalise(url))
        with self._engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema("talk"))
            config = Config()
            config.set_main_option("script_location", str(Path(migrations.__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "0008")

    def keep(self, division: str, name: str, seed: str) -> None:
        """Store a token as that version did."""
        secret = Cipher(self.key.decode(), "test").encrypt(
            f'{{"access": "access-{name}", "refresh": "refresh-{name}"}}'
        )
        row = {"division": division, "secret": secret, "seed": seed, "at": NOW, "end": NOW + timedelta(minutes=10)}
        statement = "insert into talk.token values (:division, 'exact', :secret, :seed, :at, :end)"
        with self._engine.begin() as connection:
            connection.execute(sa.text(statement), row)

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def former(database_server: DatabaseServer) -> Iterator[Former]:
    made = Former(database_server.create("template1"), Fernet.generate_key())
    yield made
    made.close()
    database_server.drop(made.url)


def test_tokens_of_a_division_become_those_of_its_login(former: Former) -> None:
    """Else an upgrade would end the access to Exact until somebody logs in again."""
    former.keep("1", "one", "seed-one")
    former.keep("2", "two", "seed-two")
    former.keep("3", "other", "seed-other")
    ledger = open_ledger(former.url)
    assert store(ledger, former.key, division=None).load("exact") is None
    assert store(ledger, former.key, division="1").load("exact") == token("one", "seed-one")
    # The same login from another division: what it was configured with is spent, and no newer login.
    assert store(ledger, former.key, division="2").load("exact") == token("one", "seed-one", "seed-two")
    other = store(ledger, former.key, "start.exact.example/other-app", "3")
    assert other.load("exact") == token("other", "seed-other")
    with ledger.begin() as connection:
        logins = connection.execute(sa.text("select login from talk.token order by login")).scalars().all()
    ledger.close()
    assert logins == ["start.exact.example/other-app", LOGIN]


def test_a_login_goes_before_what_was_stored_for_the_division(former: Former) -> None:
    """Else the first sync after a login would bring back the token that the login was to replace."""
    former.keep("1", "one", "seed-one")
    ledger = open_ledger(former.url)
    store(ledger, former.key, division=None).save("exact", token("login", "of-the-login"))
    assert store(ledger, former.key, division="1").load("exact") == token("login", "of-the-login", "seed-one")
    ledger.close()


def test_an_upgrade_waits_for_a_refresh_that_goes_on(former: Former) -> None:
    """Else a running process of the version before would find no place for the only token that works."""
    former.keep("1", "one", "seed-one")
    running = Ledger(sa.create_engine(normalise(former.url)))
    impatient = normalise(former.url).update_query_dict({"options": "-c lock_timeout=200"})
    with (
        advisory_lock(running, "the token of exact for division 1", 1),
        pytest.raises(LedgerError, match="lock timeout"),
    ):
        open_ledger(impatient.render_as_string(hide_password=False))
    running.close()
    open_ledger(former.url).close()
