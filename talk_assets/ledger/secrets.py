"""Encryption of what the ledger keeps secret, with a key that is not in the ledger."""

import os
import secrets as random_source
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from talk_assets.errors import ConfigurationError, LedgerError
from talk_assets.settings import Settings


class Cipher:
    """Encrypts and decrypts text with the installation's key (Fernet: AES-128-CBC with HMAC-SHA256).

    Args:
        key: 32 bytes in URL-safe base64, as `cryptography.fernet.Fernet.generate_key` makes them.
        origin: where the key comes from, for messages.

    Raises:
        ConfigurationError: the key has another form.
    """

    def __init__(self, key: str, origin: str) -> None:
        self._origin = origin
        try:
            self._fernet = Fernet(key.strip())
        except ValueError:
            raise ConfigurationError(
                f"{origin}: not a key; it has to be 32 random bytes in URL-safe base64, as `openssl rand -base64 32 | "
                "tr '+/' '-_'` makes them."
            ) from None

    def __repr__(self) -> str:
        return f"Cipher(key from {self._origin})"

    def encrypt(self, text: str) -> bytes:
        """Encrypt a text; the same text gives another result every time."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, secret: bytes, what: str) -> str:
        """Decrypt what `encrypt` gave.

        Args:
            secret: the encrypted text.
            what: what it is, for the message.

        Raises:
            LedgerError: it was encrypted with another key, or changed since.
        """
        try:
            return self._fernet.decrypt(secret).decode()
        except InvalidToken:
            raise LedgerError(
                f"{what} cannot be decrypted with the key from {self._origin}: it was encrypted with another key. "
                "Restore the former key (TALK_SECRET_KEY, or secret.key in TALK_HOME), or log in again with "
                "`talk-assets exact login`."
            ) from None


def open_cipher(settings: Settings) -> Cipher:
    """Take the key from TALK_SECRET_KEY, or from `secret.key` in TALK_HOME, which is made on first use.

    Raises:
        ConfigurationError: the key has another form, or its file cannot be read or made.
    """
    if settings.talk_secret_key is not None:
        return Cipher(settings.talk_secret_key.get_secret_value(), "TALK_SECRET_KEY")
    path = settings.talk_home.expanduser() / "secret.key"
    try:
        if not path.exists():
            _make_key(path)
        return Cipher(path.read_text(), str(path))
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path} cannot be used: {error.strerror or error}. Let this user read it, or set "
            "TALK_SECRET_KEY."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The key file {path} holds no key; restore it, or set TALK_SECRET_KEY.") from error


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".secret.key.{random_source.token_hex(8)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces the file of a process that was faster: all use one key.
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
