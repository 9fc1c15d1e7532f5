"""What the first sync would do, beside the run that previewed it."""

import time
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pandas as pd

from talk_assets.assets.keys import OWNERS, REPORTS, onboarding_key, sink_key
from talk_assets.assets.masking import PERSONAL, People
from talk_assets.assets.metadata import counts, seconds, table
from talk_assets.assets.order import sink_order
from talk_assets.assets.run import TalkRun
from talk_assets.mappings.model import Mappings
from talk_assets.onboarding.report import Difference, Named, Report, report_of
from talk_assets.onboarding.tables import markdown, tables


def onboarding_asset(mappings: Mappings) -> dg.AssetsDefinition:
    """The report of a previewed run; a run that writes leaves it as it is."""

    @dg.asset(
        key=onboarding_key(),
        deps=[sink_key(entity) for entity in sink_order(mappings)],
        group_name=REPORTS,
        owners=OWNERS,
        kinds={"postgres"},
        code_version="1",
        output_required=False,
        description=(
            "What the first write to real systems would do: which records are matched and by which criterion, which "
            "are not, which are ambiguous or have no usable key, and per property who would win. Made by previews "
            "only, such as the first run of an installation that nobody has confirmed yet."
        ),
    )
    def onboarding(talk: dg.ResourceParam[TalkRun]) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]  # Dagster reads the bare name only
        if not talk.cycle.preview:
            return
        started = time.monotonic()
        with talk.step("reports", "onboarding"):
            talk.onboarding = report_of(talk.cycle)
        hidden = _without_people(talk.onboarding, mappings, talk.people)
        yield dg.MaterializeResult(
            metadata={
                **counts(hidden.totals),
                **seconds(time.monotonic() - started),
                "report": dg.MetadataValue.md(markdown(hidden)),
                **{
                    each.name: table(pd.DataFrame(each.rows, columns=[n.removesuffix("#") for n in each.columns]))
                    for each in tables(hidden)
                },
            }
        )

    return onboarding


def _without_people(report: Report, mappings: Mappings, people: People) -> Report:
    """The same report with what it says of people as it is shown."""
    return replace(
        report,
        ambiguous=[_hidden(each, mappings, people) for each in report.ambiguous],
        without_key=[_hidden(each, mappings, people) for each in report.without_key],
        held=[_hidden(each, mappings, people) for each in report.held],
        differences=[_cut(each, people) if each.subject in PERSONAL else each for each in report.differences],
    )


def _hidden(named: Named, mappings: Mappings, people: People) -> Named:
    subject = mappings.subject_of(named.record.partition("/")[0])
    label = people.value(named.label) if subject.subject in PERSONAL else named.label
    return replace(named, label=label, value=None, reason=people.held(vars(named), mappings))


def _cut(difference: Difference, people: People) -> Difference:
    example = {
        name: people.value(value or "") if "value" in name else value for name, value in difference.example.items()
    }
    return replace(difference, example=example)
