"""`talk-assets webhooks`: listen for what Exact tells of changes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict

import uvicorn

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.connection import open_connection
from talk_assets.errors import ConfigurationError
from talk_assets.ledger import notifications
from talk_assets.settings import EXACT_LOGIN, Settings, load_divisions
from talk_assets.webhooks.notification import Notification
from talk_assets.webhooks.receiver import receiver

_NEEDED = (*EXACT_LOGIN, "EXACT_DIVISION", "EXACT_WEBHOOK_SECRET")


def listen(*, host: str, port: int, path: str) -> None:
    """Listen until the process is told to end.

    Args:
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        path: where Exact calls.

    Raises:
        TalkError: a setting is missing or wrong, or the ledger cannot be used.
    """
    if not path.startswith("/"):
        raise ConfigurationError(f"--path: {path} does not begin with a slash, as /exact does.")
    several = load_divisions(_NEEDED)
    first = next(iter(several.values())) if several else told_settings(_NEEDED)
    with open_connection(first) as connection:
        secrets = _secrets(several or {str(connection.settings.exact_division): connection.settings})

        def keep(notification: Notification) -> bool:
            with connection.ledger.begin() as transaction:
                return notifications.keep(transaction, **asdict(notification))

        app = receiver(keep, secrets, path)
        server = uvicorn.Server(
            uvicorn.Config(app, host=host, port=port, log_level="info", access_log=False, server_header=False)
        )
        console.remark(f"Listening for Exact's notifications at http://{host}:{port}{path}; Ctrl-C ends it.")
        # The server ends by itself at Ctrl-C, and then hands it on.
        with suppress(KeyboardInterrupt):
            server.run()


def _secrets(divisions: Mapping[str, Settings]) -> dict[str, str]:
    found = {}
    for division, settings in divisions.items():
        if settings.exact_webhook_secret is None:
            raise ConfigurationError("EXACT_WEBHOOK_SECRET is not set: notifications could not be told from forgeries.")
        found[division] = settings.exact_webhook_secret.get_secret_value()
    return found
