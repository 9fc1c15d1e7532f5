"""What MkDocs does with a page beyond its own: the picture of the data flow, and links to files outside docs/."""

import re

from mkdocs.structure.pages import Page

from talk_assets.dataflow.content import content_of
from talk_assets.dataflow.write import html
from talk_assets.mappings.load import load_capabilities, load_mappings

_MERMAID = re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)
_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
# A link to a file of the repository that is not a page: its text stays.
_OUTSIDE = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Change a page before it becomes HTML.

    Args:
        markdown: its text as it is in the repository.
        page: which one.
    """
    if page.file.src_uri == "dataflow.md":
        # Mermaid would be fetched from elsewhere by whoever reads the page.
        markdown = _MERMAID.sub(lambda _: f"{_picture()}\n", markdown)
    return _OUTSIDE.sub(r"`\1`", markdown)


def _picture() -> str:
    capabilities = load_capabilities()
    found = _SVG.search(html(content_of(load_mappings(None, capabilities), capabilities)))
    return "" if found is None else found[0]
