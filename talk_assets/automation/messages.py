"""How a person is told: by a chat's webhook that takes Slack's JSON, and by e-mail."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from talk_assets.errors import ConfigurationError, TalkError
from talk_assets.settings import Settings

_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}
_ADDRESS = "TALK_SMTP_URL: no address as smtp://user:password@host:587 or smtps://...:465."


class NotTold(TalkError):
    """A message could not be delivered; the text says by which setting, and holds no secret."""


def destinations(settings: Settings) -> dict[str, Callable[[str, str], None]]:
    """Who is told: by the setting that says so, what sends a message, given its subject and its text.

    Each raises NotTold when the message did not arrive, and ConfigurationError when TALK_SMTP_URL is missing, is no
    address of a mail server, or is one that takes the password only unencrypted.
    """
    found: dict[str, Callable[[str, str], None]] = {}
    webhook = settings.talk_alert_webhook
    if webhook is not None:
        found["TALK_ALERT_WEBHOOK"] = lambda subject, text: _post(webhook, f"*{subject}*\n{text}")
    if settings.talk_alert_email:
        found["TALK_ALERT_EMAIL"] = lambda subject, text: _mail(settings, subject, text)
    return found


def _post(url: SecretStr, text: str) -> None:
    try:
        answer = httpx.post(url.get_secret_value(), json={"text": text}, timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Its text can hold the address, which is a secret.
        raise NotTold(f"TALK_ALERT_WEBHOOK: no message could be sent ({type(error).__name__}).") from None
    if not answer.is_success:
        raise NotTold(f"TALK_ALERT_WEBHOOK: the message was answered with {answer.status_code}.")


def _mail(settings: Settings, subject: str, text: str) -> None:
    if settings.talk_smtp_url is None:
        raise ConfigurationError("TALK_SMTP_URL is not set; TALK_ALERT_EMAIL needs it.")
    server = urlsplit(settings.talk_smtp_url.get_secret_value())
    if server.scheme not in _PORTS or server.hostname is None:
        raise ConfigurationError(_ADDRESS)
    try:
        message = EmailMessage()
        message["Subject"], message["From"] = subject, settings.talk_alert_sender or settings.talk_alert_email[0]
        message["To"] = ", ".join(settings.talk_alert_email)
        message.set_content(text)
        port = server.port or _PORTS[server.scheme]
    except ValueError:
        raise ConfigurationError(_ADDRESS) from None
    try:
        with _connected(server.scheme, server.hostname, port) as connected:
            if server.username is not None:
                if not isinstance(connected.sock, ssl.SSLSocket) and not _on_this_machine(server.hostname):
                    raise ConfigurationError(
                        "TALK_SMTP_URL: the mail server offers no STARTTLS, so the password would be sent unencrypted "
                        "and was not; use a port where it does (587), or smtps://...:465."
                    )
                connected.login(unquote(server.username), unquote(server.password or ""))
            connected.send_message(message)
    except ssl.SSLCertVerificationError:
        raise NotTold(
            "TALK_SMTP_URL: the certificate of the mail server is not one that is trusted for this name, so nothing "
            "was sent; name the server as its certificate does, or set SSL_CERT_FILE to the certificate of its issuer."
        ) from None
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise NotTold(f"TALK_SMTP_URL: no e-mail could be sent ({type(error).__name__}).") from None


def _connected(scheme: str, host: str, port: int) -> smtplib.SMTP:
    """A connection to a mail server, encrypted where it can be."""
    secure = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=secure)
    connected = smtplib.SMTP(host, port, timeout=_SECONDS)
    try:
        # What a server offers is its answer to this; before, it seems to offer nothing.
        connected.ehlo_or_helo_if_needed()
        if connected.has_extn("starttls"):
            connected.starttls(context=secure)
    except (OSError, smtplib.SMTPException):
        connected.close()
        raise
    return connected


def _on_this_machine(host: str) -> bool:
    """Whether what is sent there does not leave the machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
