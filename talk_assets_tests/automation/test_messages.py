"""How a person is told by e-mail: over a real mail server, which encrypts with a certificate or does not."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from talk_assets.automation.messages import NotTold, destinations
from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings

LOGIN = "us%2Fer:p%40ss"


class Mails:
    """A mail server's box; which logins came, and whether they came encrypted."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.people: list[str] = []
        self.logins: list[tuple[LoginPassword, bool]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # the server's name for it
        self.mails.append(envelope.content)
        self.people += envelope.rcpt_tos
        return "250 OK"

    def allow(self, server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins.append((data, server.transport.get_extra_info("cipher") is not None))
        return AuthResult(success=data == LoginPassword(b"us/er", b"p@ss"))


@contextmanager
def served(box: Mails, certificate: Path | None = None, *, at_once: bool = False) -> Iterator[int]:
    """A mail server on this machine; with a certificate it encrypts, after STARTTLS or at once. Its port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    secure = None
    if certificate is not None:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(certificate)
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=box.allow,
        auth_require_tls=False,
        tls_context=None if at_once else secure,
        ssl_context=secure if at_once else None,
    )
    server.start()
    try:
        yield port
    finally:
        server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that vouches for itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path_factory.mktemp("mail") / "certificate.pem"
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + private)
    return path


def tell(url: str) -> None:
    """Send a message to two people by a mail server."""
    given: dict[str, Any] = {"talk_alert_email": "a@example.com, b@example.com", "talk_smtp_url": url}
    destinations(Settings(_env_file=None, **given))["TALK_ALERT_EMAIL"](
        "Division 1 needs somebody", "• A guard stopped exact.items."
    )


def test_an_e_mail_is_sent_with_login() -> None:
    """E-mail is configured, and nobody ever gets one."""
    box = Mails()
    with served(box) as port:
        tell(f"smtp://{LOGIN}@127.0.0.1:{port}")
    with pytest.raises(NotTold, match="TALK_SMTP_URL") as refused:
        tell(f"smtp://user:hidden@127.0.0.1:{port}")
    assert "hidden" not in str(refused.value)
    assert box.people == ["a@example.com", "b@example.com"]
    (mail,) = box.mails
    assert message_from_bytes(mail)["Subject"] == "Division 1 needs somebody"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_password_goes_encrypted_to_the_right_server_only(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Whoever listens on the way, or answers instead of the mail server, has the password of the mailbox."""
    box = Mails()
    with served(box, certificate, at_once=scheme == "smtps") as port:
        with pytest.raises(NotTold, match="certificate of the mail server"):
            tell(f"{scheme}://{LOGIN}@127.0.0.1:{port}")
        assert not box.logins, "whoever holds another certificate is told nothing"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        tell(f"{scheme}://{LOGIN}@127.0.0.1:{port}")
        with pytest.raises(NotTold, match="certificate of the mail server"):
            tell(f"{scheme}://{LOGIN}@localhost:{port}")
    assert [encrypted for _, encrypted in box.logins] == [True]
    assert len(box.mails) == 1


def test_no_password_is_sent_unencrypted_over_the_network() -> None:
    """A server, or somebody between, that offers no encryption is given the password all the same."""
    box = Mails()
    with served(box) as port:
        with pytest.raises(ConfigurationError, match="offers no STARTTLS"):
            # The same machine, by an address that does not say so.
            tell(f"smtp://{LOGIN}@0.0.0.0:{port}")
        assert not box.logins
        tell(f"smtp://0.0.0.0:{port}")
    assert len(box.mails) == 1, "without a password there is none to protect"
    with pytest.raises(ConfigurationError, match="smtp://user:password@host:587"):
        tell(f"smtp://{LOGIN}@127.0.0.1:mail")
