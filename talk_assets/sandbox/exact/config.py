"""How a local Exact Online behaves; the defaults are those of the real one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["read", "manage"]
Right = Literal["none", "hidden", "read", "manage"]
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
        address: of the server, which webhooks name records with.
        webhook_secret: of the app, with which webhooks are signed; without one there are no subscriptions.
        scopes: access of the app per scope (`crm/accounts`); None gives `manage` on everything.
        rights: what the user may do per set (`Accounts`): `read` no more than reading, `none` nothing, which is
            told, `hidden` nothing, which looks as if the set were empty; everything else may be managed.
        local_callbacks: whether webhooks may call this machine, also without https.
        callback_domain: whether webhooks have to call the host of `redirect_uri` or one below it (one forum's word).
        webhook_updates: whether a subscription takes PUT, which is documented and was refused when tried.
        webhook_retries: how often a webhook is sent again.
        webhook_retry_seconds: before it is sent again for the first time; each wait is twice the one before.
        webhook_answer_seconds: how long the answer to a webhook is waited for.
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
    address: str = "https://start.exactonline.nl"
    webhook_secret: str | None = field(default=None, repr=False)
    scopes: Mapping[str, Scope] | None = None
    rights: Mapping[str, Right] = field(default_factory=dict)
    local_callbacks: bool = False
    callback_domain: bool = False
    webhook_updates: bool = False
    webhook_retries: int = 10
    webhook_retry_seconds: float = 60.0
    webhook_answer_seconds: float = 10.0
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
