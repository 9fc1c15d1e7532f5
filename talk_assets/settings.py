"""The settings of an installation, read once from the environment and from `.env`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from talk_assets.errors import ConfigurationError

# What a login in Exact needs, and what a sync needs.
EXACT_LOGIN = ("EXACT_URL", "EXACT_CLIENT_ID", "EXACT_CLIENT_SECRET")
BOTH_SYSTEMS = (
    "CUSTOMERP_URL",
    "CUSTOMERP_TOKEN",
    "EXACT_URL",
    "EXACT_DIVISION",
    "EXACT_CLIENT_ID",
    "EXACT_CLIENT_SECRET",
)

_PORTS = {"https": 443, "http": 80}
# How much Dagster's pages and logs show of what people are called, and of their addresses.
ShowPersonal = Literal["full", "masked", "none"]


class Settings(BaseSettings):
    """Every setting with its meaning; the environment variable is the field's name in capitals.

    With neither CUSTOMERP_URL nor EXACT_URL set, the sandbox is used.
    """

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, use_attribute_docstrings=True
    )

    talk_home: Path = Path(".talk")
    """Folder of what is kept on this machine: the embedded PostgreSQL, the key file, the sandbox, Dagster's storage.
    Back it up, or name a database and a key of your own.
    """
    talk_database_url: SecretStr | None = None
    """The ledger's database, `postgresql://user:password@host:5432/database`, used by every machine of an
    installation. Without it an embedded server is started in `TALK_HOME`.
    """
    talk_secret_key: SecretStr | None = None
    """Key that encrypts Exact's tokens in the ledger: 32 random bytes in URL-safe base64, as `openssl rand -base64 32
    | tr '+/' '-_'` makes them. Without it the file `secret.key` in `TALK_HOME` is made once and used. Machines that
    share a ledger need the same key.
    """
    talk_mappings: Path | None = None
    """Folder of mapping files to be used instead of the shipped ones."""
    talk_leave_out: Annotated[list[str], NoDecode] = []
    """Names of flows that are not synchronised, with commas between them: `employee_employees` where the
    administration has no payroll module. What is only about them is neither read nor written. Records that are linked
    stay equal as long as both of their kinds have another flow: `employee_contacts` alone ends new links, `talk-assets
    unlink` ends one that is there. What people said about records that are left out is kept, and counts again when the
    flow is back.
    """
    talk_answer_seconds: float = Field(default=60.0, ge=1)
    """How long an answer of Customerp or Exact is waited for, in seconds. A write without an answer may still arrive:
    an insert is sent again only after twice that time. Raise it for an ERP that answers slowly.
    """
    talk_automation: bool = False
    """Whether the sensors and the schedules run from the start. Otherwise each is switched on in Dagit, under
    *Automation*.
    """
    talk_customerp_poll_seconds: int = Field(default=10, ge=1)
    """How often the sensor asks Customerp whether something changed: one small call per kind of record."""
    talk_exact_poll_seconds: int | None = Field(default=None, ge=10)
    """How often the sensor asks Exact where no notification told it to. By default as often as takes two fifths of a
    day's calls, every 6.5 minutes with 5,000 calls; Exact is asked at once where `talk-assets webhooks` was told of a
    change.
    """
    talk_rescan: str = "30 2 * * *"
    """When everything is read from the beginning, as a cron schedule."""
    talk_time_zone: str = "UTC"
    """Time zone of `TALK_RESCAN` and `TALK_COMPARE`, as `Europe/Amsterdam`."""
    talk_compared_pairs: int = Field(default=20, ge=0)
    """How many linked pairs of each kind a comparison reads from both systems, those that were not compared for
    longest; `0`: none. One call of Exact per 20: docs/automation.md#are-both-sides-really-equal.
    """
    talk_compare: str = "0 5 * * *"
    """When pairs are compared, as a cron schedule; best after `TALK_RESCAN`."""
    talk_fresh_hours: float | None = Field(default=None, ge=0)
    """Within how many hours each sink is to be materialized again; Dagit shows one that is not as overdue
    (docs/operating.md#watching). `0`: none is ever overdue. Set it where sensors were switched on by hand, and higher
    where `TALK_RESCAN` is seldom. By default 36 with `TALK_AUTOMATION`, else 0.
    """
    talk_fresh_warn_hours: float | None = Field(default=None, gt=0)
    """After how many hours Dagit warns of it. By default three quarters of these."""
    talk_alert_webhook: SecretStr | None = None
    """Address that takes Slack's JSON (`{"text": ...}`; Slack, Mattermost, Rocket.Chat). What needs a person is sent
    there once, and once more when it is over: docs/automation.md.
    """
    talk_alert_email: Annotated[list[str], NoDecode] = []
    """E-mail addresses that are told the same, with commas between them; needs `TALK_SMTP_URL`."""
    talk_alert_sender: str | None = None
    """Sender of the e-mails. By default the first of these."""
    talk_smtp_url: SecretStr | None = None
    """Mail server, `smtp://user:password@host:587` or `smtps://...:465`. A password is only sent encrypted (STARTTLS),
    or to this machine. Needed with `TALK_ALERT_EMAIL`.
    """
    talk_alert_debt_hours: float = Field(default=24.0, gt=0)
    """For how many hours a write may be owed, or stay refused, before a person is told."""
    talk_show_personal: ShowPersonal = "masked"
    """What Dagster's pages and logs show of values about people (contacts and employees): `full` shows them, `masked`
    only the first letter, `none` only that there is a value. Keys of records are always shown. The ledger, the command
    line and both systems are not concerned. What was logged before stays as it was logged.
    """
    talk_history_days: int | None = Field(default=None, ge=30)
    """How long history is kept whole, in days. Of what is older, what was replaced since is removed at
    the end of runs, two seconds at a time; docs/audit.md#how-long-it-is-kept says what stays. A run from before can no
    longer be undone; with a higher number, those of the days that are kept from then on can. By default for ever.
    """
    talk_run_log_days: int = Field(default=90, ge=1)
    """How long Dagster keeps runs with their events and logs, in days. The job `clean_up_runs` removes older ones:
    docs/operating.md#logs. The ledger is not concerned.
    """
    customerp_url: str | None = None
    """Root address of Customerp's API, as `https://erp.example.com/api`. The ledger remembers it, as it does Exact's:
    after a move to another address, run `talk-assets sync --moved` once.
    """
    customerp_token: SecretStr | None = None
    """Its secret: the bearer token, or what the profile's way of authentication takes, such as `user:password`."""
    customerp_profile: Path | None = None
    """Connector profile (a YAML file) that says how your ERP differs from the published contract,
    `docs/customerp-openapi.yaml`.
    """
    exact_url: str | None = None
    """Site of your country, as `https://start.exactonline.nl`."""
    exact_division: int | None = None
    """Number of the administration that is synchronised. Beside `EXACT_DIVISIONS`, the one that commands mean where
    `--division` is not given.
    """
    exact_divisions: Annotated[list[int], NoDecode] = []
    """Several administrations instead of one, with commas between them: see docs/configuration.md#several-divisions.
    """
    exact_client_id: str | None = None
    """Client id of your app registration."""
    exact_client_secret: SecretStr | None = None
    """Client secret of your app registration."""
    exact_redirect_uri: str = "https://localhost/callback"
    """Redirect address of your app registration, letter by letter. `talk-assets exact login` has Exact send the
    browser there; nothing has to answer at it. With `http://localhost:PORT/...` the command receives the browser
    itself.
    """
    exact_refresh_token: SecretStr | None = None
    """Refresh token that a login by other means gave. Exact gives a new one with every use; from then on the ledger
    holds the current one, for all divisions and machines that use the same site and client id. One that was never used
    before is taken as a newer login; a spent one is ignored. Not needed after `talk-assets exact login`.
    """
    exact_webhook_secret: SecretStr | None = None
    """Webhook secret of your app registration, by which Exact's notifications are recognised. Needed for webhooks."""
    exact_employer_account: str | None = None
    """Key (GUID) of the employer's own account in Exact. A new contact needs an account; without this setting,
    employees that have no contact in Exact yet wait.
    """

    openlineage_url: str | None = None
    """Root address of a receiver of OpenLineage events, as `https://lineage.example.com`; without it none are sent.
    docs/audit.md#openlineage says what it is told.
    """
    openlineage_api_key: SecretStr | None = None
    """The receiver's API key, sent as a bearer token."""
    openlineage_namespace: str = "talk-assets"
    """Namespace of the jobs in these events."""

    @field_validator("talk_leave_out", "talk_alert_email", "exact_divisions", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @property
    def divisions(self) -> list[str]:
        """The divisions of EXACT_DIVISIONS, each once."""
        return list(dict.fromkeys(map(str, self.exact_divisions)))

    @property
    def sandbox(self) -> bool:
        """Whether no system is configured, so that the sandbox is started and used."""
        return self.customerp_url is None and self.exact_url is None

    def check(self, needed: Sequence[str]) -> None:
        """Make sure that settings are there, unless the sandbox is used.

        Args:
            needed: names of variables of the environment.

        Raises:
            ConfigurationError: one sentence that names those that are missing.
        """
        missing = [name for name in needed if getattr(self, name.lower()) is None]
        if not missing or self.sandbox:
            return
        raise ConfigurationError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set; set all of "
            f"{', '.join(needed)}, or neither CUSTOMERP_URL nor EXACT_URL to use the sandbox."
        )


def load_settings(needed: Sequence[str] = BOTH_SYSTEMS, division: str | None = None) -> Settings:
    """Read the settings of a division.

    Args:
        needed: names of the variables that have to be set where the sandbox is not used.
        division: which one, where several are configured; by default the one that EXACT_DIVISION names. Where none is
            needed either, what is not given for a single division is read.

    Raises:
        ConfigurationError: one sentence that names the variable, and never its value.
    """
    general = _read(None)
    chosen = division or (None if general.exact_division is None else str(general.exact_division))
    known = general.divisions
    chosen = known[0] if chosen is None and len(known) == 1 else chosen
    if not known:
        if division is not None and chosen != division:
            raise ConfigurationError(f"EXACT_DIVISION: {division} is meant, and another one is configured.")
        settings = general
    elif chosen is None:
        if "EXACT_DIVISION" in needed:
            raise ConfigurationError(
                f"Several divisions are configured ({', '.join(known)}): name one with --division, as in talk-assets "
                f"--division {known[0]} status; in Dagit, choose its partition."
            )
        settings = general
    elif chosen not in known:
        raise ConfigurationError(f"EXACT_DIVISIONS: {chosen} is not among them ({', '.join(known)}).")
    else:
        settings = _divided(known)[chosen]
    settings.check(needed)
    return settings


def load_divisions(needed: Sequence[str] = BOTH_SYSTEMS) -> dict[str, Settings]:
    """Read the settings of every division of EXACT_DIVISIONS; none where there is only one division.

    Args:
        needed: as of `load_settings`.

    Raises:
        ConfigurationError: see there; or two divisions would be written through the same Customerp.
    """
    known = _read(None).divisions
    found = _divided(known) if len(known) > 1 else {}
    for settings in found.values():
        settings.check(needed)
    return found


def choose_division(name: str) -> None:
    """Have this process work with a division, as if EXACT_DIVISION named it.

    Raises:
        ConfigurationError: it is not configured.
    """
    general = _read(None)
    known = general.divisions or ([] if general.exact_division is None else [str(general.exact_division)])
    if name not in known:
        which = f"one of {', '.join(known)}" if known else "that of the sandbox, which needs no name"
        raise ConfigurationError(f"--division: {name} is not configured; it is {which}.")
    os.environ["EXACT_DIVISION"] = name


def _divided(names: Sequence[str]) -> dict[str, Settings]:
    """The settings of each division.

    Raises:
        ConfigurationError: one is wrong, or two share the records of Customerp: what one administration holds would be
            written into the other.
    """
    found = {name: _read(name) for name in names}
    shared: dict[tuple[str, ...], str] = {}
    for name, settings in found.items():
        if settings.sandbox:
            raise ConfigurationError(
                "EXACT_DIVISIONS: the sandbox that is used where no system is configured has one division. Set "
                "CUSTOMERP_URL and EXACT_URL, or leave it out."
            )
        token = settings.customerp_token
        place = (
            _same_address(str(settings.customerp_url)),
            "" if token is None else token.get_secret_value(),
            str(settings.customerp_profile),
        )
        if place in shared:
            raise ConfigurationError(
                f"EXACT_DIVISIONS: {shared[place]} and {name} have the same Customerp, so that what one administration "
                f"holds would be written into the other. Give one of them its own CUSTOMERP_URL_{name}, "
                f"CUSTOMERP_TOKEN_{name} or CUSTOMERP_PROFILE_{name}."
            )
        shared[place] = name
    return found


def _same_address(url: str) -> str:
    """An address in the one way of writing it that means the same."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return url
    own = "" if port in (None, _PORTS.get(parts.scheme.lower())) else f":{port}"
    return f"{parts.scheme.lower()}://{(parts.hostname or '').rstrip('.')}{own}{parts.path.rstrip('/')}?{parts.query}"


def _read(division: str | None) -> Settings:
    """The settings as given, those for one division before those for all."""
    own = {} if division is None else _own(division)
    try:
        return Settings(**own) if division is None else Settings(**{**own, "exact_division": division})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        name = f"{field.upper()}_{division}" if field in own else field.upper()
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{name}: {problem}." if name else f"{problem}.") from None


def _own(division: str) -> dict[str, Any]:
    """What is set for one division: field to text."""
    given: Mapping[str, str | None] = {**dotenv_values(str(Settings.model_config["env_file"])), **os.environ}
    by_name = {name.upper(): text for name, text in given.items() if text}
    return {
        field: by_name[f"{field.upper()}_{division}"]
        for field in Settings.model_fields
        if field.startswith(("customerp_", "exact_"))
        and not field.startswith("exact_division")
        and f"{field.upper()}_{division}" in by_name
    }
