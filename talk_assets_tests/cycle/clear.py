"""What values mean, worked out from the mapping in plain Python and apart from the product's own conversions."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import MemberProperty, Property, Subject

CAPABILITIES = load_capabilities()
MAPPINGS = load_mappings(None, CAPABILITIES)
# As many records are there of everything that can be referred to.
TARGETS = 5
# Not to be given by hand: Exact starts with the one, and takes no more changes after the other.
_LEFT_TO_EXACT = {"open", "complete"}


@dataclass(frozen=True)
class FlowOf:
    """A flow, of records or of lines, with its subject."""

    name: str
    subject: Subject
    customerp: str
    exact: str

    def rows(self) -> Iterator[tuple[str, Property]]:
        """The rows of the mapping that both entities hold and that travel where the cluster has these two only."""
        for name, row in self.subject.properties.items():
            members = [row.members[entity] for entity in (self.customerp, self.exact) if entity in row.members]
            if row.direction == "match" or len(members) < len((self.customerp, self.exact)):
                continue
            if all(m.when in (None, self.customerp) and m.unless != self.customerp for m in members):
                yield name, row


def flows(*subjects: str) -> list[FlowOf]:
    """The flows of some subjects, and those of their lines."""
    found = []
    for subject in subjects:
        for part in (MAPPINGS.subjects[subject], MAPPINGS.subjects[subject].lines):
            if part is not None:
                found += [FlowOf(name, part, flow.customerp, flow.exact) for name, flow in part.flows.items()]
    return found


def takes(entity: str, row: Property) -> str:
    """When an entity takes a property: `always`, `create` or `never`; what a person has to enter is `never`."""
    capability = CAPABILITIES[entity]
    if capability.read_only is not None:
        return "never"
    both = {row.writes(entity), capability.properties[row.members[entity].name].write}
    return "never" if "never" in both else "create" if "create" in both else "always"


def sample(name: str, row: Property, serial: int, tag: str) -> Any:
    """A value that differs with every serial number below eight, and with the tag where something must be unique.

    Of a reference: a place in a list of `TARGETS` records.
    """
    number = zlib.crc32(f"{name} {serial} {tag}".encode())
    match row.type:
        case "reference":
            return serial % TARGETS
        case "choice":
            codes = [set((member.values or {}).values()) for member in row.members.values()]
            known = sorted(set.intersection(*codes) - _LEFT_TO_EXACT)
            return known[serial % len(known)]
        case "country":
            return ("NL", "BE", "DE", "FR", "GB", "NO", "SE", "DK")[serial]
        case "currency":
            return ("EUR", "USD", "GBP", "NOK", "SEK", "DKK", "CHF", "PLN")[serial]
        case "email":
            return f"{name}.{serial}.{tag}@voorbeeld.example"
        case "date":
            return (date(2024, 1, 1) + timedelta(days=10 * serial + number % 9)).isoformat()
        case "decimal":
            return Decimal(number % 36) / 4 + 10 * serial + Decimal("0.25")
        case "code":
            return str(10_000_000 + number % 80_000_000)
        case _:
            limits = [CAPABILITIES[entity].properties[member.name].max_length for entity, member in row.members.items()]
            return f"{serial} {name} {tag}"[: min([limit for limit in limits if limit], default=None)].strip()


def own(row: Property, entity: str, value: Any, targets: Mapping[str, Sequence[str]]) -> Any:
    """A sample as an entity holds it; `targets` are the keys, in that system, per subject referred to."""
    member = row.members[entity]
    if row.to is not None:
        return targets[row.to][value]
    if member.values is not None:
        value = next(stored for stored, canonical in member.values.items() if canonical == value)
    if CAPABILITIES[entity].properties[member.name].type == "integer":
        return int(value)
    return float(value / Decimal(str(member.factor or 1))) if row.type == "decimal" else value


def meaning(row: Property, member: MemberProperty, value: Any, targets: Mapping[str, Sequence[str]]) -> Any:
    """The sample that a stored value stands for, None where there is none."""
    if value is None or value == "":
        return None
    if row.to is not None:
        return targets[row.to].index(value) if value in targets[row.to] else value
    if member.values is not None:
        return member.values[str(value)]
    if row.type == "decimal":
        exact = Decimal(str(value)) * Decimal(str(member.factor or 1))
        return exact.quantize(Decimal("0.0001")).normalize()
    return str(value)[:10] if row.type == "date" else str(value)


def canonical(value: Any) -> str:
    """A sample, no reference, as the ledger writes it."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
