"""The commands that README.md and the pages of docs/ show in fenced blocks, and the words that each knows."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

import typer

from talk_assets import cli
from talk_assets.sandbox.__main__ import app as sandbox
from talk_assets_tests.installed import ROOT

_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNED = re.compile(r"[A-Z][A-Z0-9_]*=")
PROGRAMS = ("talk-assets", "make", "curl", "systemctl")


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it.

    Attributes:
        settings: what stands before it, as TALK_MAPPINGS=mappings.
        words: the program and what follows, without a comment.
    """

    settings: dict[str, str]
    words: list[str]

    @property
    def program(self) -> str:
        """Whose command it is."""
        return self.words[0]


def parse(line: str) -> Shown | None:
    """A line of a fenced block as a command; None where it is none of ours."""
    if not re.match(rf"([A-Z][A-Z0-9_]*=\S* +)*({'|'.join(PROGRAMS)})( |$)", line):
        return None
    words = shlex.split(line, comments=True)
    count = next(place for place, word in enumerate(words) if not _ASSIGNED.match(word))
    return Shown(dict(word.split("=", 1) for word in words[:count]), words[count:])


def shown_commands() -> dict[str, list[str]]:
    """Every command that is shown, without its comment, and the pages that show it."""
    found: dict[str, list[str]] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in _BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if parse(line) is not None:
                    found.setdefault(re.sub(r"\s+#.*", "", line).rstrip(), []).append(page.name)
    return found


def unknown_words(words: list[str]) -> list[str]:
    """What `talk-assets` would not take of these words: a command that is not there, or an option of none."""
    command: Any = typer.main.get_command(cli.app)
    known: set[str] = set()
    wrong: list[str] = []
    for word in words[1:]:
        known |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        if word.startswith("-"):
            wrong += [word] if word.partition("=")[0] not in known else []
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return [*wrong, word]
            command = command.commands[word] if word != "sandbox" else typer.main.get_command(sandbox)
    return wrong
