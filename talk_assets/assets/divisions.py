"""Divisions as Dagster knows them: one shows no partitions, several are partitions of the same assets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from talk_assets.errors import ConfigurationError
from talk_assets.settings import Settings, load_divisions, load_settings

# Seconds that a run of Dagster's waits for whoever works on its division: nobody sits before it.
PATIENCE = 3600.0
# The partitions of every asset; None with one division.
Partitions = dg.PartitionsDefinition[str] | None
# The tag by which Dagster's queue takes one run of a division at a time.
DIVISION = "talk/division"
# What follows the division in that tag of a run that a command carries out: no other run waits for it.
BY_COMMAND = ", by command"
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


def partitions_of(divisions: Sequence[Division]) -> Partitions:
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


def op_job(
    name: str, step: dg.OpDefinition, description: str, divisions: Sequence[Division], *, reading: bool = False
) -> dg.JobDefinition:
    """A job of one op for one division at a time.

    Args:
        name: of the job.
        step: the op.
        description: for people.
        divisions: that the job can be for.
        reading: it changes nothing and waits for nobody; otherwise it takes its turn with the runs of its division.
    """
    partitions = partitions_of(divisions)
    turn = partitions is None and not reading
    return dg.GraphDefinition(name=name, node_defs=[step]).to_job(
        name=name,
        description=description,
        executor_def=dg.in_process_executor,
        tags={DIVISION: divisions[0].tag} if turn else None,
        **({"partitions_def": partitions} if reading else {"config": job_config(partitions, {})}),
    )


def settings_of(run: dg.DagsterRun | None) -> Settings:
    """The settings of the division that a run is for.

    Raises:
        ConfigurationError: a setting is missing or wrong; or several divisions are configured, and the run is for none
            of them, or for a range.
    """
    several, name = load_divisions(), division_of(run)
    if several and name is None:
        raise ConfigurationError(
            f"Several divisions are configured ({', '.join(several)}), and this run is for no single one: choose one "
            "partition, and where there are more, have a run for each."
        )
    return load_settings(division=name)


def division_of(run: dg.DagsterRun | None) -> str | None:
    """The partition of a run; None with one division."""
    return None if run is None else run.tags.get(PARTITION)
