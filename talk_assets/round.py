"""One round in this process: the job that Dagster runs too, and what is to be said about it afterwards."""

from dataclasses import dataclass

import dagster as dg

from talk_assets.assets.keys import onboarding_key
from talk_assets.assets.masking import People
from talk_assets.assets.run import Listener, TalkRun
from talk_assets.cycle.context import Cycle
from talk_assets.cycle.send import Outcome
from talk_assets.definitions import SYNC, build_defs
from talk_assets.errors import ConfigurationError
from talk_assets.installation import Installation
from talk_assets.job_here import execute_here, failures


@dataclass(frozen=True)
class Round:
    """What a round came to.

    Attributes:
        run: what its assets shared.
        failed: a sentence per step that failed.
        tripped: a sentence per check of severity ERROR that did not pass.
    """

    run: TalkRun
    failed: list[str]
    tripped: list[str]

    def failed_writes(self, most: int) -> list[str]:
        """A sentence per write that was refused or failed for now, at most so many, and one about the others."""
        failed = (Outcome.REJECTED.value, Outcome.UNAVAILABLE.value, Outcome.POSTPONED.value)
        words = [
            str(write["reason"]) if write["key"] else f"{write['source']}: {write['reason']}"
            for done in self.run.delivered
            for write in done.writes
            if write["outcome"] in failed
        ]
        more = len(words) - most
        return [*words[:most], *([f"{more:,} more writes; see: talk-assets status"] if more > 0 else [])]


def selected_assets(installation: Installation, subject: str | None) -> list[dg.AssetKey] | None:
    """The assets of a subject; None for all.

    Raises:
        ConfigurationError: there is no such subject.
    """
    if subject is None:
        return None
    names = list(installation.mappings.subjects)
    if subject not in names:
        raise ConfigurationError(f"--subject: there is no subject {subject}; it is one of {', '.join(names)}.")
    graph = build_defs(installation.mappings, installation.capabilities, {"talk": None}).resolve_asset_graph()
    tagged = {key for key in graph.materializable_asset_keys if graph.get(key).tags.get("subject") == subject}
    deletions = {key for key in graph.materializable_asset_keys if key.path[-1] == "deletions"}
    return sorted(tagged | deletions | {onboarding_key()})


def steps(installation: Installation, subject: str | None) -> dict[str, int]:
    """Stage to the number of its steps, for progress."""
    subjects = [installation.mappings.subjects[subject]] if subject else list(installation.mappings.subjects.values())
    entities = {entity for each in subjects for entity in each.entities}
    return {
        "feeds": len(entities) + 2,
        "pairs": sum(len(each.flows) for each in subjects),
        "merged": len(subjects),
        "confirmed": len(entities),
    }


def execute(installation: Installation, cycle: Cycle, selection: list[dg.AssetKey] | None, tell: Listener) -> Round:
    """Run the job, or some of its assets, in this process.

    Args:
        installation: what it works with.
        cycle: the run, begun; a preview is not kept by Dagster either.
        selection: the assets; None for all.
        tell: called as steps are done.
    """
    run = TalkRun(lambda: cycle, tell, People(installation.settings.talk_show_personal))
    job = build_defs(installation.mappings, installation.capabilities, {"talk": run}).resolve_job_def(SYNC)
    result = execute_here(installation, cycle, job, selection)
    tripped = [_tripped(found) for found in result.get_asset_check_evaluations() if _is_error(found)]
    return Round(run, failures(result), tripped)


def _is_error(evaluation: dg.AssetCheckEvaluation) -> bool:
    return not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR


def _tripped(evaluation: dg.AssetCheckEvaluation) -> str:
    name = f"{evaluation.asset_key.to_user_string()}, {evaluation.check_name}"
    return f"{name}: {evaluation.description} To see which: talk-assets status"
