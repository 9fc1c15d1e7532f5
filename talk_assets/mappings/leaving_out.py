"""Flows that an installation leaves out: what is left of a mapping file without them.

An administration without Exact's payroll module, say, has no employees to read: everything that is only about the
flow's entities goes with it, before the rest is checked like a file that never had it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from talk_assets.errors import ConfigurationError
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Mappings, Subject
from talk_assets.mappings.source import Source, suggestion

SETTING = "TALK_LEAVE_OUT"
# Parts of a subject that are told per entity, and lists that name entities.
_PER_ENTITY = ("constants", "deletions", "guards", "filters")
_NAMING = ("order", "clear", "tie_break")

Data = dict[str, Any]


def without_flows(sources: Iterable[Source], names: Collection[str], capabilities: Capabilities) -> list[Source]:
    """The files without some of their flows, and without what concerns no other flow.

    Args:
        sources: the files, as read.
        names: the flows to leave out.
        capabilities: tell which lines belong to which documents.

    Raises:
        ConfigurationError: there is no such flow, or nothing would be left of a file.
    """
    files = list(sources)
    known = [name for file in files for name in _flows(file.data)]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{SETTING}: there is no flow {name}; {suggestion(name, known)}")
    gone = set[str]().union(*(_gone(file.data, names) for file in files))
    return [replace(file, data=_without(file.data, names, gone, capabilities)) if names else file for file in files]


def noting_left_out(subject: Subject, data: Data, names: Collection[str], capabilities: Capabilities) -> Subject:
    """A subject that knows the pairs of the flows that it was read without.

    Args:
        subject: the subject.
        data: its whole file, as read.
        names: the flows that are left out.
        capabilities: tell which lines belong to which documents.
    """
    pairs = [_both(flow) for name, flow in _flows(data).items() if name in names]
    if not pairs:
        return subject
    if subject.lines is None:
        return subject.model_copy(update={"left_out": pairs})
    every = [_both(flow) for flow in _flows(data.get("lines", {})).values()]
    of_lines = [pair for pair in every if tuple(str(capabilities[entity].document) for entity in pair) in pairs]
    lines = subject.lines.model_copy(update={"left_out": of_lines})
    return subject.model_copy(update={"left_out": pairs, "lines": lines})


def way_without(mappings: Mappings, entity: str) -> str:
    """How to do without what is about an entity, as a sentence; empty where other flows need it."""
    subject = mappings.subject_of(entity)
    flows = {name: flow for name, flow in subject.flows.items() if entity in flow.entities}
    left = {name: flow for name, flow in mappings.flows.items() if name not in flows}
    kept = {other for flow in left.values() for other in flow.entities}
    gone = {other for flow in flows.values() for other in flow.entities} - kept
    if len(flows) == len(subject.flows) or gone & asked_about(mappings, left, gone):
        return ""
    return f"To do without it, add {', '.join(flows)} to {SETTING}."


def asked_about(mappings: Mappings, flows: Collection[str], gone: Collection[str] = ()) -> set[str]:
    """The entities of which a flow or a member asks whether there is a record.

    Args:
        mappings: all subjects.
        flows: names of the flows that count; those of lines always do.
        gone: entities whose members do not count.
    """
    parts = [part for each in mappings.subjects.values() for part in (each, each.lines) if part is not None]
    kept = [flow for part in parts for name, flow in part.flows.items() if name in flows or name not in mappings.flows]
    members = [m for part in parts for row in part.properties.values() for e, m in row.members.items() if e not in gone]
    named = {flow.create.unless for flow in kept} | {flow.join.to for flow in kept if flow.join is not None}
    named |= {entity for member in members for entity in (member.when, member.unless)}
    return {entity for entity in named if entity is not None}


def _flows(data: Data) -> Data:
    flows = data.get("flows")
    return flows if isinstance(flows, dict) else {}


def _both(flow: Data) -> tuple[str, str]:
    return str(flow["customerp"]), str(flow["exact"])


def _pair(flow: Any) -> tuple[str, ...]:
    return tuple(str(flow.get(side)) for side in ("customerp", "exact")) if isinstance(flow, dict) else ()


def _entities(flows: Data) -> set[str]:
    return {entity for flow in flows.values() for entity in _pair(flow)}


def _gone(data: Data, names: Collection[str]) -> set[str]:
    """The entities that no flow of a file is about any more."""
    flows = _flows(data)
    left = {name: flow for name, flow in flows.items() if name not in names}
    if flows and not left:
        raise ConfigurationError(
            f"{SETTING}: nothing would be left of {data.get('subject')}, which others need; leave one of its flows in."
        )
    return _entities(flows) - _entities(left)


def _without(data: Data, names: Collection[str], gone: set[str], capabilities: Capabilities) -> Data:
    flows = _flows(data)
    left = {name: _kept_flow(name, flow, gone) for name, flow in flows.items() if name not in names}
    found = {**_stripped(data, gone), "flows": left}
    lines = data.get("lines")
    if isinstance(lines, dict):
        pairs = {_pair(flow) for name, flow in flows.items() if name in names}
        of_lines = {
            name: _kept_flow(name, flow, gone)
            for name, flow in _flows(lines).items()
            if not gone & set(_documents(flow, capabilities)) and _documents(flow, capabilities) not in pairs
        }
        no_lines = _entities(_flows(lines)) - _entities(of_lines)
        found["lines"] = {**_stripped(lines, no_lines | gone), "flows": of_lines}
    return found


def _documents(flow: Any, capabilities: Capabilities) -> tuple[str, ...]:
    """The documents that the lines of a flow belong to."""
    return tuple(str(capabilities[entity].document) for entity in _pair(flow) if entity in capabilities)


def _stripped(part: Data, gone: set[str]) -> Data:
    """A subject, or its lines, without what is said about entities."""
    found: Data = {key: _ungone(value, gone) if key in _PER_ENTITY else value for key, value in part.items()}
    rows = part.get("properties")
    if isinstance(rows, dict):
        kept = {name: _kept_row(name, row, gone) for name, row in rows.items()}
        # What is left in one system alone is nothing to keep equal, unless new records are given a value of our own.
        found["properties"] = {
            name: row for name, row in kept.items() if row is rows[name] or _in_both(row) or _given(row)
        }
    return _unnamed(found, gone)


def _ungone(value: Any, gone: set[str]) -> Any:
    return {key: each for key, each in value.items() if key not in gone} if isinstance(value, dict) else value


def _kept_row(name: str, row: Any, gone: set[str]) -> Any:
    members = row.get("members") if isinstance(row, dict) else None
    if not isinstance(members, dict):
        return row
    kept = {entity: member for entity, member in members.items() if entity not in gone}
    # References to what is left out point to nothing.
    kept = {entity: member for entity, member in kept.items() if not gone & _said(member, "entity")}
    for member in kept.values():
        _must_not_name(f"the property {name}", _said(member, "when", "unless"), gone)
    return row if kept == members else _unnamed({**row, "members": kept}, gone)


def _kept_flow(name: str, flow: Any, gone: set[str]) -> Any:
    """A flow that stays; it must not rest on what is left out: what is left alone otherwise would be written."""
    if isinstance(flow, dict):
        _must_not_name(f"the flow {name}", _said(flow.get("join"), "to", "entity"), gone)
        _must_not_name(f"the flow {name}", _said(flow.get("create"), "unless"), gone)
    return flow


def _said(part: Any, *keys: str) -> set[str]:
    return {str(part[key]) for key in keys if part.get(key) is not None} if isinstance(part, dict) else set()


def _must_not_name(what: str, named: set[str], gone: set[str]) -> None:
    for entity in sorted(named & gone):
        raise ConfigurationError(
            f"{SETTING}: {what} depends on whether there is a {entity}; leave in a flow of it, or leave out what "
            "depends on it as well."
        )


def _in_both(row: Mapping[str, Any]) -> bool:
    return len({entity.partition(".")[0] for entity in row["members"]}) > 1


def _given(row: Mapping[str, Any]) -> bool:
    members = [member for member in row["members"].values() if isinstance(member, dict)]
    return any(member.get(name) is not None for member in members for name in ("default", "default_setting"))


def _unnamed(part: Data, gone: set[str]) -> Data:
    return {
        key: [each for each in value if each not in gone] if key in _NAMING and isinstance(value, list) else value
        for key, value in part.items()
    }
