"""What the commands do. Each has a module of its own, loaded when it is asked for: Dagster alone takes a second."""

from talk_assets import console
from talk_assets.settings import Settings, load_settings


def told_settings() -> Settings:
    """The settings; where no system is configured, everybody is told so, on standard error."""
    settings = load_settings()
    if settings.sandbox:
        console.remark(
            f"No system is configured: using the sandbox, with its state and the ledger under {settings.talk_home}."
        )
    return settings
