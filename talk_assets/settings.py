"""The settings of an installation, read once from the environment and from `.env`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

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
    talk_time_zone: str = Field(default="UTC", description="Time zone of TALK_RESCAN, as Europe/Amsterdam.")
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

    @field_validator("talk_leave_out", "talk_alert_email", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

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


def load_settings(needed: Sequence[str] = BOTH_SYSTEMS) -> Settings:
    """Read the settings.

    Args:
        needed: names of the variables that have to be set where the sandbox is not used.

    Raises:
        ConfigurationError: one sentence that names the variable, and never its value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else ""
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{name}: {problem}." if name else f"{problem}.") from None
    settings.check(needed)
    return settings
