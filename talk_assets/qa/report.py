"""The outcome as files: JUnit XML for machines, and an HTML page in the shape of the document for people."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from talk_assets.dataflow.content import COLUMNS, content_of
from talk_assets.errors import ConfigurationError
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings
from talk_assets.qa.case import RECORD
from talk_assets.qa.result import FAILED, NOT_APPLICABLE, PASSED, Result, Row

JUNIT, PAGE = ".xml", ".html"
# What XML 1.0 cannot hold, whoever typed it.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_report(file: Path) -> None:
    """Make sure, before anything is played, that a report can be written.

    Raises:
        ConfigurationError: it ends with neither `.html` nor `.xml`, or there cannot be such a file.
    """
    if file.suffix.lower() not in (JUNIT, PAGE):
        raise ConfigurationError(f"--report: {file} is to end with .html (for people) or .xml (JUnit, for machines).")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise ConfigurationError(f"--report: {file} cannot be written: {error.strerror}.") from error


def write_report(file: Path, result: Result, mappings: Mappings, capabilities: Capabilities) -> None:
    """Write a report as the name of the file wants it.

    Args:
        file: ends with `.html` or `.xml`.
        result: what was played.
        mappings: as signed off.
        capabilities: what the entities can take.

    Raises:
        ConfigurationError: it cannot be written.
    """
    text = junit(result) if file.suffix.lower() == JUNIT else page(result, mappings, capabilities)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--report: {file} cannot be written: {error.strerror}.") from error


def junit(result: Result) -> str:
    """JUnit XML: a suite per flow, a test case per row, named by the row's id."""
    counts = result.counts
    numbers = {"failures": FAILED, "skipped": NOT_APPLICABLE}
    root = ET.Element("testsuites", name="talk-assets qa", tests=str(len(result.rows)), time=f"{result.seconds:.1f}")
    root.attrib |= {title: str(counts[outcome]) for title, outcome in numbers.items()}
    for flow, of_flow in result.by_flow().items():
        suite = ET.SubElement(root, "testsuite", name=flow, tests=str(of_flow.total()), errors="0")
        suite.attrib |= {title: str(of_flow[outcome]) for title, outcome in numbers.items()}
        for row in (each for each in result.rows if each.flow == flow):
            _test_case(suite, row)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _test_case(suite: ET.Element, row: Row) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"{row.flow}.{row.property}", name=row.id)
    if row.outcome == FAILED:
        failure = ET.SubElement(case, "failure", message=_xml(f"expected {row.expected}; found {row.found}"))
        failure.text = _xml("\n".join([row.title, row.reason, *row.records]))
    elif row.outcome == NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=_xml(row.reason))


def _xml(text: str) -> str:
    return _NO_XML.sub("?", text)


def page(result: Result, mappings: Mappings, capabilities: Capabilities) -> str:
    """The document as HTML, with the outcome beside each property and every row below it."""
    rows: dict[str, dict[str, list[Row]]] = {}
    for row in result.rows:
        rows.setdefault(row.flow, {}).setdefault(row.property, []).append(row)
    subjects = content_of(mappings, capabilities)
    made = Environment(
        loader=ChoiceLoader([PackageLoader("talk_assets.qa"), PackageLoader("talk_assets.dataflow")]),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.jinja",)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return made.get_template("qa.html.jinja").render(
        result=result,
        rows=rows,
        subjects=subjects,
        played_subjects=[
            each.name for each in subjects if any(flow.name in rows for flow in (*each.flows, *each.lines))
        ],
        columns=COLUMNS,
        record=RECORD,
        counts=_counts,
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def _counts(rows: Sequence[Row]) -> Counter[str]:
    return Counter({PASSED: 0, FAILED: 0, NOT_APPLICABLE: 0}) + Counter(row.outcome for row in rows)
