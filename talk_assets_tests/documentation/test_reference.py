"""The reference pages say what the code says today."""

import re
from collections.abc import Callable

import pytest

from documentation import reference
from talk_assets.settings import Settings
from talk_assets_tests.installed import ROOT


@pytest.mark.parametrize(("name", "written"), reference.PAGES.items(), ids=list(reference.PAGES))
def test_the_committed_page_is_of_today(name: str, written: Callable[[], str]) -> None:
    """Somebody types an option that is gone, or sets what nothing reads any more."""
    assert (ROOT / "docs" / name).read_text() == written(), "write it anew: make docs"


def test_every_setting_says_what_it_means() -> None:
    """A setting has an empty row, as its text is only a comment."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.{15,}) \|$", reference.settings(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [name.upper() for name in Settings.model_fields]
    marked = {name for name, _, meaning in rows if meaning.endswith("**Secret.**")}
    assert marked == {
        name.upper() for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
    }
    told = {name: (default, meaning) for name, default, meaning in rows}
    assert told["TALK_EXACT_POLL_SECONDS"][1].endswith("At least 10.")
    assert told["TALK_AUTOMATION"][0] == "`false`"
    assert "[automation.md](automation.md#are-both-sides-really-equal)" in told["TALK_COMPARED_PAIRS"][1]


def test_commands_within_commands_are_told_as_well() -> None:
    """The options of the sandbox, or of what is below `exact`, are found nowhere."""
    page = reference.commands()
    for name in ("sync", "exact webhooks add", "audit export", "sandbox"):
        assert re.search(rf"^#+ `talk-assets {name}`$", page, re.MULTILINE), name
    assert "* `--clock MOMENT`" in page
    assert "..." not in re.sub(r"\$ .*", "", page), "a sentence is cut off"
