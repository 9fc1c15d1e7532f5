"""The key of the installation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from talk_assets.errors import ConfigurationError, LedgerError
from talk_assets.ledger.secrets import Cipher, open_cipher
from talk_assets.settings import Settings


def test_the_key_file_is_made_once_and_only_for_this_user(tmp_path: Path) -> None:
    """Else others on the machine could read the tokens, or a second start could not."""
    settings = Settings(talk_home=tmp_path / "home")
    secret = open_cipher(settings).encrypt("geheim")
    assert open_cipher(settings).decrypt(secret, "it") == "geheim"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret.key"]
    assert (tmp_path / "home" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """Else one of them would store tokens that nobody can read afterwards."""
    program = (
        "import sys; from pathlib import Path; from talk_assets.ledger.secrets import open_cipher;"
        "from talk_assets.settings import Settings;"
        f"print(open_cipher(Settings(talk_home=Path({str(tmp_path)!r}))).encrypt('x').decode())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) for _ in range(3)
    ]
    cipher_texts = [process.communicate()[0].strip() for process in started]
    assert [open_cipher(Settings(talk_home=tmp_path)).decrypt(text, "it") for text in cipher_texts] == ["x"] * 3


def test_a_configured_key_comes_first(tmp_path: Path) -> None:
    """Else machines that share a ledger could not share its tokens."""
    key = Fernet.generate_key().decode()
    settings = Settings.model_validate({"talk_home": tmp_path, "talk_secret_key": key})
    assert Cipher(key, "test").decrypt(open_cipher(settings).encrypt("x"), "it") == "x"
    assert list(tmp_path.iterdir()) == []


def test_another_key_is_told_apart_from_damage_in_one_sentence() -> None:
    """Else a person who lost the key file sees a trace of a library."""
    secret = Cipher(Fernet.generate_key().decode(), "the former key").encrypt("geheim")
    with pytest.raises(LedgerError, match="The token cannot be decrypted with the key from TALK_SECRET_KEY"):
        Cipher(Fernet.generate_key().decode(), "TALK_SECRET_KEY").decrypt(secret, "The token")


@pytest.mark.parametrize("key", ["geheim", "", "gehéim"])
def test_a_key_of_another_form_is_refused_without_showing_it(key: str) -> None:
    """Else a mistyped key would be shown in a log."""
    with pytest.raises(ConfigurationError, match="TALK_SECRET_KEY") as caught:
        Cipher(key, "TALK_SECRET_KEY")
    assert not key or key not in str(caught.value)


def test_an_unreadable_key_file_is_named(tmp_path: Path) -> None:
    """Else a person could not tell which file to repair."""
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(ConfigurationError, match=r"secret\.key cannot be used"):
        open_cipher(Settings(talk_home=tmp_path))


def test_a_cipher_does_not_show_its_key() -> None:
    """Else the key would be in a log."""
    key = Fernet.generate_key().decode()
    assert key not in repr(Cipher(key, "here")) + repr(vars(Cipher(key, "here")))
