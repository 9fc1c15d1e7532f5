"""Whether both sides of the matched pairs hold the same: checks that read both systems, in a job of their own."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from pydantic import Field

from talk_assets.assets.divisions import Partitions, settings_of
from talk_assets.assets.keys import pair_key
from talk_assets.assets.masking import People, about_people
from talk_assets.assets.metadata import counts, table
from talk_assets.equality.both import Both
from talk_assets.equality.compare import Compared, compare, flows_of
from talk_assets.equality.words import counted, sentence, summary
from talk_assets.errors import TalkError
from talk_assets.installation import open_installation
from talk_assets.mappings.model import Mappings

EQUAL = "equal"
COMPARE = "compare"
# Differences in a description, and in a table.
_TOLD, _SHOWN = 3, 50


class Comparison(dg.Config):
    """What is compared."""

    entities: list[str] = Field(
        default=[], description="Only pairs of these, as exact.accounts or customerp.order; empty: all pairs."
    )
    pairs: int | None = Field(
        default=None, ge=0, description="How many pairs of each kind; by default as TALK_COMPARED_PAIRS says."
    )


def equal_checks(mappings: Mappings, partitions: Partitions) -> dg.AssetChecksDefinition:
    """Of every flow, that its linked pairs hold the same in both systems: those whose turn it is are read from both.

    The checks are the matched pairs', because that is where both values stand side by side; a sink knows what it sent,
    not what its counterpart holds.
    """
    specs = [
        dg.AssetCheckSpec(
            EQUAL,
            asset=pair_key(flow),
            partitions_def=partitions,
            description="Linked pairs, read from both systems in turn, hold the same.",
        )
        for flow in mappings.flows
    ]

    @dg.multi_asset_check(
        name=EQUAL,
        specs=specs,
        can_subset=True,
        description=(
            "Reads the linked pairs whose turn it is from both systems and compares them, property by property. Writes "
            "nothing. Exact's calls: one per 20 pairs."
        ),
    )
    def equal(context: dg.AssetCheckExecutionContext, config: Comparison) -> Iterable[dg.AssetCheckResult]:
        selected = {key.asset_key.path[-1] for key in context.selected_asset_check_keys}
        run = context.op_execution_context.run
        if run.asset_selection:
            # Dagster takes along all checks of assets that are chosen; a run for one edit would spend calls on others.
            context.log.info(f"Nothing is compared where assets are materialized as well; run the job {COMPARE}.")
            return
        settings = settings_of(run)
        most = settings.talk_compared_pairs if config.pairs is None else config.pairs
        if not most:
            context.log.info("No pair is compared: TALK_COMPARED_PAIRS, or `pairs` on the launchpad, is 0.")
            return
        try:
            with open_installation(settings) as at, at.systems() as systems:
                flows = [flow for flow in flows_of(at.mappings, config.entities) if flow in selected]
                both = Both(at.ledger, at.division, at.mappings, at.capabilities, systems)
                found = compare(both, flows, most, run.run_id)
                calls = sum(system.calls for system in systems.values())
        except TalkError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None
        context.log.info(f"Compared {sum(each.compared for each in found):,} pairs with {calls:,} calls.")
        people = People(settings.talk_show_personal)
        for each in found:
            yield _result(each, mappings, people)

    return equal


def compare_job(checks: dg.AssetSelection, config: Any, tags: dict[str, str]) -> Any:
    """The job that compares, and does nothing else.

    Args:
        checks: those of `equal_checks`.
        config: what its runs are given, as of `assets.divisions.job_config`.
        tags: of its runs.
    """
    return dg.define_asset_job(
        COMPARE,
        selection=checks,
        config=config,
        tags=tags,
        description=(
            "Read some linked pairs from both systems and compare them; each time those whose turn it is. Which "
            "entities, and how many pairs, can be said on the launchpad. Writes nothing. The same as "
            "`talk-assets compare`."
        ),
    )


def _result(compared: Compared, mappings: Mappings, people: People) -> dg.AssetCheckResult:
    subject = mappings.subject_of(mappings.flows[compared.flow].customerp)
    hidden = about_people(subject)
    shown = {
        name: people.frame(rows, hidden, ["customerp", "exact"]).head(_SHOWN) if len(rows) else rows
        for name, rows in (("unequal", compared.unexplained), ("explained", compared.explained))
    }
    sentences = [sentence(row) for row in shown["unequal"].head(_TOLD).to_dict("records")]
    more = len(compared.unexplained) - len(sentences)
    told = [summary(compared), *sentences, *([f"And {more:,} more."] if more else [])]
    numbers = {
        "linked": compared.linked,
        "compared": compared.compared,
        "unexplained": len(compared.unexplained),
        "gone": len(compared.gone),
        **counted(compared),
    }
    passed = not sentences and not compared.hindrance
    return dg.AssetCheckResult(
        asset_key=pair_key(compared.flow),
        check_name=EQUAL,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if sentences else dg.AssetCheckSeverity.WARN,
        description=" ".join(told),
        metadata={
            **counts({name.replace(" ", "_"): number for name, number in numbers.items()}),
            **{name: table(rows) for name, rows in shown.items() if len(rows)},
        },
    )
