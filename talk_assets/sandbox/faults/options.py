"""Faults as they are named on the command line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.faults.model import SYSTEMS, Fault, System
from talk_assets.sandbox.faults.names import NAMED, WrongOrder, fault_of

_OPTION = "--faults"


def read_faults(words: Sequence[str]) -> dict[System, list[Fault]]:
    """The faults to begin with, per system that has any.

    Args:
        words: of each option: a name, which is ordered of every system in which it happens; `system:name`; or a YAML
            or JSON file with a list of orders, each with the fields of `Fault` and `system`.

    Raises:
        ConfigurationError: there is no such fault or file, or an order in it is wrong.
    """
    ordered: dict[System, list[Fault]] = {}
    for word in words:
        for system, fault in _orders(word):
            ordered.setdefault(system, []).append(fault)
    return ordered


def _orders(word: str) -> Iterator[tuple[System, Fault]]:
    if Path(word).suffix in (".yaml", ".yml", ".json"):
        yield from _file(Path(word))
        return
    before, colon, name = word.rpartition(":")
    if name not in NAMED or (colon and before not in SYSTEMS):
        raise ConfigurationError(
            f"{_OPTION}: there is no fault {word!r}. It is one of {', '.join(NAMED)}, with customerp: or exact: in "
            "front to mean one system only; or a file whose name ends in .yaml or .json."
        )
    for system in SYSTEMS:
        meant = before == system if colon else NAMED[name].fields(system) is not None
        if meant:
            yield system, _fault(system, {"fault": name}, _OPTION)


def _file(path: Path) -> Iterator[tuple[System, Fault]]:
    # Only whoever names a file waits for its reader.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigurationError(f"{_OPTION}: {path} cannot be read: {error}") from None
    if not isinstance(found, list):
        raise ConfigurationError(f"{_OPTION}: {path} holds no list of faults; write one, each with `system`.")
    for number, order in enumerate(found, start=1):
        yield from _order(order, f"{_OPTION}: {path}, fault {number}")


def _order(order: Any, place: str) -> Iterator[tuple[System, Fault]]:
    wish = dict(order) if isinstance(order, dict) else {}
    system = wish.pop("system", None)
    meant = [name for name in SYSTEMS if name == system]
    if not meant:
        raise ConfigurationError(f"{place}: system: it is {' or '.join(SYSTEMS)}, not {system!r}.")
    yield meant[0], _fault(meant[0], wish, place)


def _fault(system: System, wish: dict[str, Any], place: str) -> Fault:
    try:
        return fault_of(system, wish)
    except WrongOrder as wrong:
        raise ConfigurationError(f"{place}: {wrong}.") from None
