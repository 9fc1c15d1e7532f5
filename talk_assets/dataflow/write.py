"""The document as Markdown and as one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from talk_assets.dataflow.content import COLUMNS, SubjectPart
from talk_assets.dataflow.picture import picture_of


def markdown(subjects: Sequence[SubjectPart]) -> str:
    """The document in Markdown, with the picture as a Mermaid diagram."""
    return _rendered("dataflow.md.jinja", subjects)


def html(subjects: Sequence[SubjectPart]) -> str:
    """The document as HTML, with its style and its picture inside."""
    return _rendered("dataflow.html.jinja", subjects)


def _rendered(template: str, subjects: Sequence[SubjectPart]) -> str:
    found = _environment().get_template(template)
    return found.render(subjects=subjects, columns=COLUMNS, picture=picture_of(subjects))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("talk_assets.dataflow"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.jinja",)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["cell"] = _cell
    made.filters["code"] = lambda text: f"`{text}`" if text else ""
    return made


def _cell(text: str) -> str:
    """A text within a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", "<br>")
