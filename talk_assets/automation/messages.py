"""How a person is told: by a chat's webhook that takes Slack's JSON, and by e-mail."""

import smtplib
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from talk_assets.errors import ConfigurationError, TalkError
from talk_assets.settings import Settings

_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}


class NotTold(TalkError):
    """A message could not be delivered; the text says by which setting, and holds no secret."""


def has_destination(settings: Settings) -> bool:
    """Whether anybody is told."""
    return settings.talk_alert_webhook is not None or bool(settings.talk_alert_email)


def send(settings: Settings, subject: str, text: str) -> None:
    """Tell everybody who is configured.

    Args:
        settings: TALK_ALERT_WEBHOOK, TALK_ALERT_EMAIL, TALK_SMTP_URL.
        subject: of an e-mail, and the first line of a chat's message.
        text: the rest.

    Raises:
        NotTold: a message did not arrive.
        ConfigurationError: TALK_SMTP_URL is missing or no address of a mail server.
    """
    if settings.talk_alert_webhook is not None:
        _post(settings.talk_alert_webhook, f"*{subject}*\n{text}")
    if settings.talk_alert_email:
        _mail(settings, subject, text)


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
        raise ConfigurationError("TALK_SMTP_URL: no address as smtp://user:password@host:587 or smtps://...:465.")
    message = EmailMessage()
    message["Subject"], message["From"] = subject, settings.talk_alert_sender or settings.talk_alert_email[0]
    message["To"] = ", ".join(settings.talk_alert_email)
    message.set_content(text)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(server.hostname, server.port or _PORTS[server.scheme], timeout=_SECONDS) as connected:
            if server.scheme == "smtp" and connected.has_extn("starttls"):
                connected.starttls()
            if server.username is not None:
                connected.login(unquote(server.username), unquote(server.password or ""))
            connected.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotTold(f"TALK_SMTP_URL: no e-mail could be sent ({type(error).__name__}).") from None
