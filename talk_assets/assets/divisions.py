"""Divisions as Dagster knows them: one shows no partitions, several are partitions of the same assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from talk_assets.settings import Settings, load_divisions, load_settings

# The partitions of every asset; None with one division.
Partitions = dg.PartitionsDefinition[str] | None
# The tag by which Dagster's queue takes one run of a division at a time.
DIVISION = "talk/division"
# Dagster's own tag for the partition of a run.
PARTITION = "dagster/partition"


@dataclass(frozen=True)
class Division:
    """A division of the code location.

    Attributes:
        partition: its partition key; None where it is the only one.
        settings: its settings when the code location was loaded.
    """

    partition: str | None
    settings: Settings

    @property
    def tag(self) -> str:
        """The value of the tag `DIVISION`."""
        return self.partition or str(self.settings.exact_division or "sandbox")

    @property
    def suffix(self) -> str:
        """What the names of its sensors end with."""
        return "" if self.partition is None else f"_{self.partition}"


def configured_divisions() -> list[Division]:
    """The divisions that are configured, one at least.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    several = load_divisions()
    if several:
        return [Division(name, settings) for name, settings in several.items()]
    return [Division(None, load_settings())]


def partitions_of(divisions: list[Division]) -> Partitions:
    """The partitions of every asset and job; none with one division."""
    keys = [division.partition for division in divisions if division.partition is not None]
    return dg.StaticPartitionsDefinition(keys) if keys else None


def job_config(partitions: Partitions, config: Mapping[str, Any]) -> dg.PartitionedConfig[Any] | dict[str, Any] | None:
    """The configuration of a job over divisions; its runs have the tag of their division."""
    if partitions is None:
        # Of an empty one Dagster makes the full configuration of all steps, which no part of the job then takes.
        return dict(config) or None
    return dg.PartitionedConfig(
        partitions,
        run_config_for_partition_key_fn=lambda _: dict(config),
        tags_for_partition_key_fn=lambda key: {DIVISION: key},
    )


def division_of(run: dg.DagsterRun | None) -> str | None:
    """The partition of a run; None with one division."""
    return None if run is None else run.tags.get(PARTITION)
