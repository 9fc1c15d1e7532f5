"""Matched pairs: which records of the two systems are the same."""

import time
from collections.abc import Iterable

import dagster as dg

from talk_assets.assets.divisions import Partitions
from talk_assets.assets.held import held_records, schema_result, schema_spec
from talk_assets.assets.keys import OWNERS, PAIRS, feed_key, merged_key, pair_key
from talk_assets.assets.metadata import counts, row_count, seconds, table
from talk_assets.assets.order import TOLD_LAST, referred_to
from talk_assets.assets.run import TalkRun
from talk_assets.cycle.linking import AMBIGUOUS
from talk_assets.cycle.match import match
from talk_assets.cycle.pairs import INVALID_PAIR
from talk_assets.cycle.report import pair_counts
from talk_assets.ledger.notes import holds
from talk_assets.mappings.model import Flow, Mappings, Subject
from talk_assets.mappings.words import criteria_in_words

AMBIGUITY = "ambiguity"
# Of what a flow comes to once the clusters of a run are formed.
_NOW = ("linked", "matched", "unmatched")


def pair_asset(flow_name: str, mappings: Mappings, partitions: Partitions) -> dg.AssetsDefinition:
    """The matched pairs of one Customerp entity and one Exact entity."""
    flow = mappings.flows[flow_name]
    subject = mappings.subject_of(flow.customerp)
    system_kinds = {"customerp", "exact", "pandas"}

    @dg.asset(
        key=pair_key(flow_name),
        deps=[*map(feed_key, flow.entities), *map(merged_key, referred_to(subject, mappings))],
        group_name=PAIRS,
        owners=OWNERS,
        kinds=system_kinds,
        tags={"subject": subject.subject},
        code_version="1",
        check_specs=[schema_spec(pair_key(flow_name), partitions)],
        description=(
            f"{flow.meaning} Records are the same when {_criteria(flow)}. Links that were made before stay; where it "
            "cannot be told which records belong together, all of them are held and none is inserted."
        ),
    )
    def pairs(talk: dg.ResourceParam[TalkRun]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads the bare name only
        started = time.monotonic()
        with talk.step("pairs", flow_name):
            matched = match(talk.cycle, flow_name)
            held = held_records(talk, flow.entities, INVALID_PAIR)
        with talk.cycle.ledger.begin() as connection:
            shown = pair_counts(connection, talk.cycle.division, flow, talk.cycle.run_id)
        return dg.MaterializeResult(
            metadata={
                **row_count(shown["linked"]),
                **counts({"looked_at": matched.looked_at, "proposed": len(matched.proposals)}),
                # The clusters of this run are formed afterwards: its check tells what is linked then.
                **counts({f"{name}_before": shown[name] for name in ("linked", "unmatched")}),
                **seconds(time.monotonic() - started),
                "proposals": table(matched.proposals.head(20)),
            },
            check_results=[schema_result(pair_key(flow_name), held)],
        )

    return pairs


def ambiguity_checks(subject: Subject, partitions: Partitions) -> dg.AssetChecksDefinition:
    """No record of a subject's flows matches more than one record; told once the clusters are formed."""
    specs = [
        dg.AssetCheckSpec(
            AMBIGUITY,
            asset=pair_key(flow),
            additional_deps=[merged_key(subject.subject)],
            partitions_def=partitions,
            description="No record matches more than one record.",
        )
        for flow in subject.flows
    ]

    @dg.multi_asset_check(name=f"{AMBIGUITY}_{subject.subject}", specs=specs, can_subset=True, op_tags=TOLD_LAST)
    def ambiguity(
        context: dg.AssetCheckExecutionContext, talk: dg.ResourceParam[TalkRun]
    ) -> Iterable[dg.AssetCheckResult]:
        division, run_id = talk.cycle.division, talk.cycle.run_id
        with talk.step("checks", subject.subject), talk.cycle.ledger.begin() as connection:
            held = holds(connection, division)
            now = {name: pair_counts(connection, division, flow, run_id) for name, flow in subject.flows.items()}
        held = held[held["kind"].eq(AMBIGUOUS)]
        for key in sorted(context.selected_asset_check_keys):
            flow_name = key.asset_key.path[-1]
            mine = held[held["entity"].isin(subject.flows[flow_name].entities)]
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=AMBIGUITY,
                passed=mine.empty,
                severity=dg.AssetCheckSeverity.WARN,
                description=_ambiguity(len(mine)),
                metadata={
                    **counts({"held": len(mine), **{name: now[flow_name][name] for name in _NOW}}),
                    "held_records": table(mine[["entity", "key", "reason"]].head(20)),
                },
            )

    return ambiguity


def _ambiguity(held: int) -> str:
    if not held:
        return "No record of this flow is held as ambiguous."
    return (
        f"{held} records are held because it cannot be told which belong together; correct the value that they share "
        "in one of the systems."
    )


def _criteria(flow: Flow) -> str:
    told = [f"{flow.join.name} names the other record"] if flow.join else []
    return ", or ".join([*told, *filter(None, [criteria_in_words(flow.criteria)])])
