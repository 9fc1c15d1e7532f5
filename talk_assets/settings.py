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

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    talk_home: Path = Field(default=Path(".talk"), description="Where embedded data lives.")
    talk_database_url: SecretStr | None = Field(
        default=None, description="The ledger's PostgreSQL; without it an embedded server under TALK_HOME."
    )
    talk_secret_key: SecretStr | None = Field(
        default=None, description="Key that encrypts tokens; without it a key file under TALK_HOME."
    )
    talk_mappings: Path | None = Field(default=None, description="Folder of mapping files instead of the shipped ones.")
    talk_leave_out: Annotated[list[str], NoDecode] = Field(
        default=[],
        description=(
            "Flows that are not synchronised, with commas between them: employee_employees where an administration has "
            "no payroll module, say."
        ),
    )
    talk_answer_seconds: float = Field(
        default=60.0,
        ge=1,
        description=(
            "How long an answer of a system is waited for; an insert without one is sent again after twice that time, "
            "unless it arrives."
        ),
    )
    talk_automation: bool = Field(
        default=False,
        description=(
            "Whether the sensors and the schedule run from the start; otherwise each is switched on in Dagit, under "
            "Automation."
        ),
    )
    talk_customerp_poll_seconds: int = Field(
        default=10, ge=1, description="How often the sensor asks Customerp whether something changed."
    )
    talk_exact_poll_seconds: int | None = Field(
        default=None,
        ge=10,
        description=(
            "How often the sensor asks Exact, where no notification told it to; by default as often as leaves more "
            "than half of a day's calls, about every seven minutes."
        ),
    )
    talk_rescan: str = Field(
        default="30 2 * * *",
        description="When everything is read from the beginning, as a cron schedule in TALK_TIME_ZONE.",
    )
    talk_time_zone: str = Field(
        default="UTC", description="Time zone of TALK_RESCAN and TALK_COMPARE, as Europe/Amsterdam."
    )
    talk_compared_pairs: int = Field(
        default=20,
        ge=0,
        description="How many linked pairs of each kind a comparison reads from both systems; 0: none.",
    )
    talk_compare: str = Field(
        default="0 5 * * *", description="When pairs are compared, as a cron schedule in TALK_TIME_ZONE."
    )
    talk_fresh_hours: float | None = Field(
        default=None,
        ge=0,
        description=(
            "Hours within which each sink is to be materialized again, else Dagster shows it as overdue; by default 36 "
            "with TALK_AUTOMATION and not at all without it; 0: not at all."
        ),
    )
    talk_fresh_warn_hours: float | None = Field(
        default=None, gt=0, description="Hours after which Dagster warns of it; by default three quarters of these."
    )
    talk_alert_webhook: SecretStr | None = Field(
        default=None, description="Address that takes Slack's JSON, to which is sent what needs a person."
    )
    talk_alert_email: Annotated[list[str], NoDecode] = Field(
        default=[], description="E-mail addresses that are told the same, with commas between them."
    )
    talk_alert_sender: str | None = Field(default=None, description="Sender of these e-mails, by default the first.")
    talk_smtp_url: SecretStr | None = Field(
        default=None, description="The mail server for them, smtp://user:password@host:587."
    )
    talk_alert_debt_hours: float = Field(
        default=24.0, gt=0, description="For how many hours a write may be owed before a person is told."
    )
    talk_show_personal: ShowPersonal = Field(
        default="masked",
        description="What Dagster shows of values of people: full, masked (the first letter), or none.",
    )
    talk_history_days: int | None = Field(
        default=None,
        ge=30,
        description="How long history is kept whole, in days; without it for ever. See docs/audit.md.",
    )
    talk_run_log_days: int = Field(
        default=90, ge=1, description="How long Dagster keeps runs with their events and logs, in days."
    )
    customerp_url: str | None = Field(default=None, description="Root address of Customerp's API.")
    customerp_token: SecretStr | None = Field(default=None, description="Customerp's token, or `user:password`.")
    customerp_profile: Path | None = Field(default=None, description="Connector profile instead of the contract's.")
    exact_url: str | None = Field(default=None, description="Site of Exact Online, as https://start.exactonline.nl.")
    exact_division: int | None = Field(default=None, description="The administration that is synchronised.")
    exact_divisions: Annotated[list[int], NoDecode] = Field(
        default=[],
        description=(
            "Several administrations instead of one, with commas between them: each is a partition of the same assets. "
            "A setting that begins with CUSTOMERP_ or EXACT_ is given for one of them by adding its number, as "
            "CUSTOMERP_URL_123456."
        ),
    )
    exact_client_id: str | None = Field(default=None, description="The app registration's client id.")
    exact_client_secret: SecretStr | None = Field(default=None, description="The app registration's client secret.")
    exact_redirect_uri: str = Field(
        default="https://localhost/callback",
        description="The app registration's redirect address, to which a login in the browser comes back.",
    )
    exact_refresh_token: SecretStr | None = Field(
        default=None,
        description="Instead of a first login in the browser; afterwards the ledger holds the current one.",
    )
    exact_webhook_secret: SecretStr | None = Field(default=None, description="The app's webhook secret.")
    exact_employer_account: str | None = Field(
        default=None,
        description="Key (GUID) of the employer's own account in Exact, under which employees become contacts.",
    )

    openlineage_url: str | None = Field(
        default=None, description="Receiver of OpenLineage events; without it none are sent."
    )
    openlineage_api_key: SecretStr | None = Field(default=None, description="The receiver's API key.")
    openlineage_namespace: str = Field(default="talk-assets", description="Namespace of the jobs in these events.")

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
