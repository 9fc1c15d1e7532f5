"""Shipped mapping files with one mistake put into them."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from talk_assets.errors import MappingError
from talk_assets.mappings.load import PACKAGED_MAPPINGS, SUBJECTS, load_capabilities, load_mappings

CAPABILITIES = load_capabilities()


class Broken(NamedTuple):
    """A mistake: in which file what becomes what, the text whose line is named, the field, the problem."""

    what: str
    file: str
    old: str
    new: str
    line: str
    field: str
    problem: str


def copy_mappings(folder: Path) -> Path:
    """Copy the shipped mapping files into a folder."""
    for name in SUBJECTS:
        shutil.copy(PACKAGED_MAPPINGS / f"{name}.yaml", folder)
    return folder


def replace(path: Path, old: str, new: str) -> str:
    """Replace the first place of a text that has to be there; gives the new content."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return text


def assert_named(broken: Broken, folder: Path) -> None:
    """Put the mistake into a copy and look for its file, line, field and problem in the error."""
    path = copy_mappings(folder) / f"{broken.file}.yaml"
    text = replace(path, broken.old, broken.new)
    with pytest.raises(MappingError) as caught:
        load_mappings(folder, CAPABILITIES)
    assert caught.value.path == path
    assert caught.value.field == broken.field
    assert broken.problem in str(caught.value)
    assert broken.line in text
    expected = text[: text.index(broken.line)].count("\n") + 1 if broken.line else None
    assert caught.value.line == expected
