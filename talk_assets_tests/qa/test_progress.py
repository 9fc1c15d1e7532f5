"""What a run says while it goes on."""

import pytest
from rich.console import Console

from talk_assets import console
from talk_assets.commands import qa


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 2), (30.0, 1)])
def test_a_log_grows_while_the_checklist_is_played(
    seconds: float, count: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build server ends a run of an hour because it says nothing."""
    monkeypatch.setattr(console, "err", Console(stderr=True, force_terminal=False))
    monkeypatch.setattr(qa, "_SILENT", seconds)
    with qa._progress(quiet=False) as tell:
        tell("Make", 0, 1400, "making records")
        tell("Edit", 1200, 1400, "editing records")
        said = capsys.readouterr().err.splitlines()
    assert said == ["Make 0/1,400 making records", "Edit 1,200/1,400 editing records"][:count]
