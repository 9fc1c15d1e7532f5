"""The report as tables, the same ones in a terminal, in Markdown and beside an asset."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from talk_assets.onboarding.report import Difference, Named, Planned, Report, Side


@dataclass(frozen=True)
class Table:
    """A table: a title, a sentence on what it says, and rows of text under column names.

    Attributes:
        name: what it is called in code.
        title: what it is called by people.
        sentence: what it says.
        columns: their names; a column whose name ends with `#` has numbers.
        rows: texts.
        empty: what is said instead when there is no row.
    """

    name: str
    title: str
    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str


def tables(report: Report) -> list[Table]:
    """All tables of a report, in the order in which they are read."""
    return [
        Table(
            "matched",
            "Matched",
            "Pairs of records that are the same, by what says so.",
            ["flow", "criterion", "pairs#"],
            [(flow.flow, name, f"{count:,}") for flow in report.flows for name, count in flow.criteria.items()],
            "No flow has a merge criterion.",
        ),
        Table(
            "sides",
            "Both sides",
            "Of each entity of a flow: matched by the flow, by another flow only, or not at all; of those, what is "
            "ambiguous and what has no value to be matched by.",
            ["flow", "entity", "records#", "matched#", "elsewhere#", "unmatched#", "ambiguous#", "no key#"],
            [(flow.flow, *_counted(side)) for flow in report.flows for side in flow.sides],
            "There is no flow.",
        ),
        Table(
            "ambiguous",
            f"Ambiguous ({report.totals['ambiguous']:,})",
            "They match several records, and are held until a person corrects what they share. None is guessed.",
            ["record", "name", "why"],
            _named(report.ambiguous),
            "No record is ambiguous.",
        ),
        Table(
            "without_key",
            f"Without a usable key ({report.totals['without_key']:,})",
            "No merge criterion has a value, so nothing can be found to be the same: where the flow creates, each of "
            "them would be created on the other side.",
            ["record", "name", "why"],
            _named(report.without_key),
            "Every record that has no counterpart has a value to be matched by.",
        ),
        Table(
            "held",
            f"Held back ({report.totals['held']:,})",
            "They break a rule, or wait for others; nothing is decided about them, or some value cannot be written.",
            ["record", "name", "why"],
            _named(report.held),
            "No other record is held.",
        ),
        Table(
            "differences",
            "Differences",
            "Where records that are the same hold different values, and who would win.",
            ["subject", "property", "wins", "over", "rule", "cases#", "example"],
            [_difference(each) for each in report.differences],
            "Matched records hold the same values.",
        ),
        Table(
            "planned",
            "What would be written",
            "Records to create, to update and to delete; of the values in updates, those that fill a gap, replace "
            "another value, or clear one.",
            ["entity", "creates#", "updates#", "deletes#", "filled#", "replaced#", "cleared#", "waiting#", "by hand#"],
            [_counted(each) for each in report.planned],
            "Nothing: both systems agree.",
        ),
    ]


def markdown(report: Report) -> str:
    """The report as a Markdown document."""
    parts = [f"# Onboarding of division {report.division}", "", "What the first sync would do. Nothing was written."]
    for table in tables(report):
        parts += ["", f"## {table.title}", ""]
        if not table.rows:
            parts.append(table.empty)
            continue
        parts += [table.sentence, ""]
        parts.append(_row([name.removesuffix("#") for name in table.columns]))
        parts.append(_row(["--:" if name.endswith("#") else "---" for name in table.columns]))
        parts += [_row([_cell(text) for text in row]) for row in table.rows]
    return "\n".join([*parts, ""])


def _named(records: Sequence[Named]) -> list[tuple[str, str, str]]:
    return [(each.record, each.label, each.reason) for each in records]


def _counted(each: Side | Planned) -> tuple[str, ...]:
    """An entity and its numbers."""
    entity, *numbers = astuple(each)
    return (entity, *(f"{number:,}" for number in numbers))


def _difference(each: Difference) -> tuple[str, ...]:
    winner, loser = (each.winner, each.loser) if each.winner else ("a person", "decides")
    return (each.subject, each.property, winner, loser, each.rule, f"{each.count:,}", _example(each))


def _example(each: Difference) -> str:
    found = each.example
    verb = "over" if each.winner else "or"
    return f"{_quoted(found['value'])} of {found['winner']} {verb} {_quoted(found['loser_value'])} of {found['loser']}"


def _quoted(value: str | None) -> str:
    return repr(value) if value else "(empty)"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())
