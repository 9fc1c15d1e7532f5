"""Tokens, stored encrypted and refreshed by one process at a time."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from talk_assets.errors import LedgerError
from talk_assets.ledger.database import Ledger
from talk_assets.ledger.secrets import Cipher
from talk_assets.ledger.tokens import TokenStore
from talk_assets.systems.tokens import StoredToken

NOW = datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def token(name: str) -> StoredToken:
    return StoredToken(f"access-{name}", f"refresh-{name}", NOW, NOW + timedelta(minutes=10), "seed")


def store(ledger: Ledger, key: bytes, division: str = "1", wait_seconds: float = 5) -> TokenStore:
    return TokenStore(ledger, Cipher(key.decode(), "test"), division, wait_seconds=wait_seconds)


def test_tokens_come_back_as_they_were_stored_last(ledger: Ledger) -> None:
    """Else access to Exact is lost: a refresh token works once."""
    tokens = store(ledger, Fernet.generate_key())
    assert tokens.load("exact") is None
    for name in ("one", "two"):
        tokens.save("exact", token(name))
    assert tokens.load("exact") == token("two")
    assert tokens.load("customerp") is None


def test_divisions_have_tokens_of_their_own(ledger: Ledger) -> None:
    """Else two administrations with two authorisations would overwrite each other's."""
    key = Fernet.generate_key()
    store(ledger, key, "1").save("exact", token("one"))
    assert store(ledger, key, "2").load("exact") is None


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
    """Else two processes would spend one refresh token, and both lose access."""
    key = Fernet.generate_key()
    with store(ledger, key).locked("exact"):
        with pytest.raises(LedgerError, match="token of exact for division 1"):
            store(ledger, key, wait_seconds=0.1).locked("exact").__enter__()
        with store(ledger, key, wait_seconds=0.1).locked("customerp"):
            pass
    with store(ledger, key, wait_seconds=0.1).locked("exact"):
        pass


def test_tokens_of_another_key_are_refused_with_a_sentence(ledger: Ledger) -> None:
    """Else a lost key file would look like an error of Exact."""
    store(ledger, Fernet.generate_key()).save("exact", token("one"))
    with pytest.raises(LedgerError, match="The stored token of exact for division 1 cannot be decrypted"):
        store(ledger, Fernet.generate_key()).load("exact")


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
