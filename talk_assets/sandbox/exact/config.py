"""How a local Exact Online behaves; the defaults are those of the real one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

REDIRECT_URI = "https://localhost/callback"


@dataclass(frozen=True, slots=True)
class ExactConfig:
    """Settings of one server.

    Attributes:
        divisions: administrations that the user can enter, number to description.
        client_id: of the only registered app.
        client_secret: of that app.
        refresh_token: a first refresh token to start with; it dies on first use like any other.
        redirect_uri: where the app's authorisation codes are sent; compared exactly.
        scopes: access of the app per scope (`crm/accounts`); None gives `manage` on everything.
        token_seconds: life of an access token.
        token_refresh_seconds: how long after a token call the next one is refused.
        calls_per_minute: per app and division, by clock minute.
        calls_per_day: per app and division, by UTC day.
        errors_per_hour: failed calls (400, 401, 403, 404) per division and endpoint before the app is blocked.
        page_size: rows on a page of an ordinary set.
        large_page_size: rows on a page of a sync or bulk set.
        url_length: characters of an address, query included; longer ones are refused (noted in the Exact reference
            without a source, but no client should rely on longer ones).
        body_bytes: of a call's body; what base64 adds to binaries does not count.
        timezone: the site's clock, which all its times are given in.
        int64_as_text: whether row versions are sent as JSON text instead of numbers (Exact reference leaves it open).
        deleted_days: how long sync/Deleted remembers.
        admin: whether `/_admin` exists, with which tests and people edit records and order faults.
    """

    divisions: Mapping[int, str]
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    redirect_uri: str = REDIRECT_URI
    scopes: Mapping[str, Literal["read", "manage"]] | None = None
    token_seconds: int = 600
    token_refresh_seconds: int = 570
    calls_per_minute: int = 60
    calls_per_day: int = 5000
    errors_per_hour: int = 10
    page_size: int = 60
    large_page_size: int = 1000
    url_length: int = 6000
    body_bytes: int = 10_000_000
    timezone: str = "Europe/Amsterdam"
    int64_as_text: bool = False
    deleted_days: int = 61
    admin: bool = False
