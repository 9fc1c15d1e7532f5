"""YAML as text with lines."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from talk_assets.errors import MappingError
from talk_assets.mappings.source import Source, read_source, suggestion


def write(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "word", ["NO", "no", "on", "off", "yes", "y", "true", "010", "1_000", "2024-01-31", "1e3", "12:30"]
)
def test_words_stay_words(tmp_path: Path, word: str) -> None:
    """Norway's code, a code with a leading zero or a day would reach the books as something else."""
    source = read_source(write(tmp_path, f"{word}: x\nvalue: {word}\nlist: [{word}]\n"))
    assert source.data == {word: "x", "value": word, "list": [word]}


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_nothing_is_nothing(tmp_path: Path, written: str) -> None:
    """An option left empty would be taken as the text `null`."""
    assert read_source(write(tmp_path, f"value: {written}\n")).data == {"value": None}


texts = st.text(alphabet=string.printable + "äß€漢", max_size=12)
trees = st.dictionaries(
    texts,
    st.recursive(texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)),
    min_size=1,
    max_size=4,
)


@given(tree=trees)
def test_quoted_text_comes_back(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]) -> None:
    """A value map with unusual codes would be read as other codes."""
    path = tmp_path_factory.mktemp("yaml") / "file.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.default_style = '"'  # type: ignore[assignment]
    yaml.dump(tree, path)
    assert read_source(path).data == tree


@given(text=st.text(alphabet="ab:-[]{}&*!|>#'\"%@`, \n\t\x00é", max_size=40))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A broken file would end in a stack trace instead of a sentence about the file."""
    path = tmp_path_factory.mktemp("yaml") / "file.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        result: Source | MappingError = read_source(path)
    except MappingError as error:
        result = error
    assert result.path == path
    assert isinstance(result, Source) or str(path) in str(result)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: [1,\nc: 2\n", 4, "this is no YAML"),
        ("a: 1\n  b: 2\n", 2, "this is no YAML"),
        ("a: \x01\n", None, "this is no YAML"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "already given on line 3"),
        ("- a\n- b\n", 1, "`key: value`"),
        ("", 1, "`key: value`"),
        ("a: 1\n---\nb: 2\n", 2, "this is no YAML"),
        ("a: &x\n  b: *x\n", 1, "holds itself"),
        ("a: *unknown\n", 1, "this is no YAML"),
        ("? [a, b]\n: c\n", 1, "single word"),
    ],
)
def test_broken_files_name_the_line(tmp_path: Path, text: str, line: int | None, problem: str) -> None:
    """Someone would have to search a file of hundreds of lines for a missing bracket or a key given twice."""
    path = write(tmp_path, text)
    with pytest.raises(MappingError) as caught:
        read_source(path)
    assert caught.value.line == line
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}" if line else str(path))


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """A wrong TALK_MAPPINGS or a file saved as Latin-1 would not say which file is meant."""
    with pytest.raises(MappingError, match=r"gone\.yaml: the file cannot be read"):
        read_source(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes("a: é\n".encode("latin-1"))
    with pytest.raises(MappingError, match=r"latin\.yaml: the file is not UTF-8"):
        read_source(tmp_path / "latin.yaml")


def test_a_place_that_is_missing_gets_the_line_around_it(tmp_path: Path) -> None:
    """The error about a missing key would have no line to look at."""
    source = read_source(write(tmp_path, "a: 1\nb:\n  - c: 1\n"))
    assert source.error(("b", 0, "d"), "x").line == 3
    assert source.error(("b", 0, "d"), "x").field == "b[0].d"
    assert source.error((), "x").line is None


def test_suggestions_name_what_was_meant() -> None:
    """Someone would not be told that `Nmae` is a misspelt `Name`."""
    assert suggestion("Nmae", ["Name", "City"]) == "did you mean Name?"
    assert suggestion("zzz", ["Name", "City"]) == "known are Name, City."
