"""YAML files as plain data whose every value remembers its line, so that an error can name the place."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from talk_assets.errors import MappingError

# libyaml reads in a twentieth of the time, which every start has to wait for. Its rules of YAML 1.1 for what NO or 010
# are do not apply: only nodes are made, and their words taken as they are written.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Place = tuple[str | int, ...]  # keys and list indexes from the top of the file


@dataclass(frozen=True)
class Source:
    """The content of one YAML file.

    Attributes:
        path: the file.
        data: its content; every scalar is the text as it is written (`NO`, `010` and `true` stay those words, the
            models give them their type), an empty one or `null` is None.
        lines: place to 1-based line.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[Place, int]

    def error(self, place: Place, problem: str) -> MappingError:
        """An error at a place; a place that the file does not have gets the line of what surrounds it."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
        return MappingError(self.path, self.lines.get(known), field, problem)


def read_source(path: Path) -> Source:
    """Read a YAML 1.2 file whose top level is a mapping.

    Raises:
        MappingError: the file cannot be read, is no YAML, has a key twice or has another top level.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise MappingError(path, None, "", f"the file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise MappingError(path, None, "", "the file is not UTF-8 text; save it as UTF-8.") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise MappingError(path, line, "", f"this is no YAML: {what}.") from error
    except YAMLError as error:
        raise MappingError(path, None, "", f"this is no YAML: {error}.") from error
    if not isinstance(node, MappingNode):
        raise MappingError(path, 1, "", "the file has to hold `key: value` lines, but holds something else or nothing.")
    lines: dict[Place, int] = {}
    return Source(path, _mapping(path, node, (), lines, ()), lines)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: what was probably meant, else what is known."""
    names = list(known)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]}?" if close else f"known are {', '.join(names) or 'none'}."


def _value(path: Path, node: Node, place: Place, lines: dict[Place, int], inside: tuple[int, ...]) -> Any:
    if id(node) in inside:
        raise MappingError(path, node.start_mark.line + 1, "", "this anchor holds itself; write the values out.")
    if isinstance(node, ScalarNode):
        return None if str(node.tag).endswith(":null") else str(node.value)
    if isinstance(node, SequenceNode):
        return [_item(path, item, (*place, at), lines, (*inside, id(node))) for at, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _mapping(path, node, place, lines, inside)
    raise TypeError(f"a YAML node of an unknown kind: {type(node).__name__}")


def _item(path: Path, node: Node, place: Place, lines: dict[Place, int], inside: tuple[int, ...]) -> Any:
    lines[place] = node.start_mark.line + 1
    return _value(path, node, place, lines, inside)


def _mapping(
    path: Path, node: MappingNode, place: Place, lines: dict[Place, int], inside: tuple[int, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise MappingError(path, line, "", "a key has to be a single word.")
        key = str(key_node.value)
        if key in found:
            earlier = lines[(*place, key)]
            lines[(*place, key)] = line
            raise Source(path, {}, lines).error((*place, key), f"this key was already given on line {earlier}.")
        lines[(*place, key)] = line
        found[key] = _value(path, value_node, (*place, key), lines, (*inside, id(node)))
    return found
