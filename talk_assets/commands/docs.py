"""`talk-assets docs`: the data-flow document, from the mappings that are configured."""

from pathlib import Path

from talk_assets import console
from talk_assets.dataflow.content import content_of
from talk_assets.dataflow.write import html, markdown
from talk_assets.declared import load_declared
from talk_assets.errors import ConfigurationError
from talk_assets.settings import load_settings


def docs(*, out: Path, page: Path | None) -> None:
    """Write the document as Markdown and, where it is wanted, as one HTML file.

    Args:
        out: the Markdown file.
        page: the HTML file.

    Raises:
        ConfigurationError: a setting or a mapping is wrong, or a file cannot be written.
    """
    subjects = content_of(*load_declared(load_settings(())))
    for file, text in ((out, markdown(subjects)), *(((page, html(subjects)),) if page is not None else ())):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from error
        console.remark(f"Written: {file}")
