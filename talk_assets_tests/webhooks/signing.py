"""Notifications as Exact sends and signs them (Exact reference, Webhooks)."""

import hashlib
import hmac
import json
from typing import Any

SECRET = "webhook-secret"
DIVISION = 12345
KEY = "5f8a1d8e-3c1c-4c3b-9c55-0f4f1f0b7a11"


def content(**changes: Any) -> str:
    """The text of `Content`."""
    values = {
        "Topic": "Accounts",
        "ClientId": "app",
        "Division": DIVISION,
        "Action": "Update",
        "Key": KEY,
        "ExactOnlineEndpoint": f"https://start.exactonline.nl/api/v1/{DIVISION}/crm/Accounts(guid'{KEY}')",
        "EventCreatedOn": "2026-11-29T10:00:00.000",
    }
    return json.dumps({**values, **changes}, separators=(",", ":"))


def body(text: str, secret: str = SECRET) -> bytes:
    """A whole notification, signed."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
    return f'{{"Content":{text},"HashCode":"{digest}"}}'.encode()
