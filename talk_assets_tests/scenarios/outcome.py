"""What came of a case: what the ledger says at its end."""

import json
from dataclasses import dataclass, field

import sqlalchemy as sa

from talk_assets.ledger.bulk import read_frame
from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios.kinds import Kind
from talk_assets_tests.scenarios.words import Values

_HELD = """
    select hold.entity, hold.key, hold.kind, hold.reason, hold.value, record.document
    from talk.hold
    left join talk.record on record.division = hold.division and record.entity = hold.entity and record.key = hold.key
    where hold.division = :division
"""
# Kinds of hold, and what a scenario calls them.
_AMBIGUOUS = {"ambiguous": "ambiguous_match", "ambiguous_lines": "ambiguous_lines"}


@dataclass
class Played:
    """What came of a case.

    Attributes:
        writes: per side the writes that succeeded, in order.
        links: clusters of two or more live members.
        skipped: what was left out, and why.
        conflicts: what waits for a person.
    """

    writes: dict[str, list[Values]] = field(default_factory=dict)
    links: list[list[str]] = field(default_factory=list)
    skipped: list[Values] = field(default_factory=list)
    conflicts: list[Values] = field(default_factory=list)


class Outcome:
    """The ledger at the end of a case.

    Args:
        ledger: where the case was played.
        division: its division.
        kinds: its entities, by name.
    """

    def __init__(self, ledger: Ledger, division: str, kinds: dict[str, Kind]) -> None:
        self._ledger, self._division, self._kinds = ledger, division, kinds

    def _rows(self, text: str) -> list[Values]:
        with self._ledger.begin() as connection:
            frame = read_frame(connection, sa.text(text), {"division": self._division}).astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in rows]

    def _member(self, entity: str, key: str) -> str:
        kind = self._kinds[entity]
        return f"{kind.side}/{kind.document if kind.inside else kind.type}/{key}"

    def _clusters(self) -> dict[str, int]:
        """The cluster of each live member, as a case names it."""
        rows = self._rows(
            "select cluster_id, entity, key from talk.member where division = :division and deleted_at is null"
        )
        return {self._member(row["entity"], row["key"]): int(row["cluster_id"]) for row in rows}

    def links(self) -> list[list[str]]:
        found: dict[int, list[str]] = {}
        for member, cluster_id in self._clusters().items():
            found.setdefault(cluster_id, []).append(member)
        return [members for members in found.values() if len(members) > 1]

    def skipped(self) -> list[Values]:
        rows = self._rows(
            "select distinct entity, key, property, rule from talk.history where division = :division and kind = 'skip'"
        )
        return [self._skip(row) for row in rows]

    def _skip(self, row: Values) -> Values:
        kind = self._kinds[row["entity"]]
        whole = row["key"] in (None, "")
        member = f"{kind.side}/{kind.type}" if whole else self._member(row["entity"], row["key"])
        found: Values = {"member": member, "reason": row["rule"]}
        if row["property"]:
            found["property"] = row["property"]
        return found

    def conflicts(self) -> list[Values]:
        found: list[Values] = []
        groups: dict[tuple[str, str], set[str]] = {}
        documents: dict[tuple[str, str], set[str]] = {}
        linked = self._clusters()
        for row in self._rows(_HELD):
            if row["kind"] in _AMBIGUOUS:
                # Lines are told apart within their documents, also those that are not linked.
                at = None if row["document"] is None else linked.get(self._document(row["entity"], row["document"]))
                group = (_AMBIGUOUS[row["kind"]], str(row["reason"] if at is None else at))
                members = groups.setdefault(group, set())
                members.add(self._member(row["entity"], row["key"]))
                # Those that are not held themselves are among those that it could belong to.
                others = [name.split("/", 1) for name in (row["value"] or "").split(", ") if name]
                members |= {self._member(entity, key) for entity, key in others}
                if row["document"] is not None:
                    documents.setdefault(group, set()).add(self._document(row["entity"], row["document"]))
        for (kind, reason), members in groups.items():
            under = documents.get((kind, reason))
            found.append({"kind": kind, "members": sorted(members), **({"documents": sorted(under)} if under else {})})
        for row in self._rows(
            "select property, kind, claims from talk.conflict where division = :division and resolved_at is null"
        ):
            claims = {
                self._member(claim["entity"], claim["key"]): claim.get("value") for claim in json.loads(row["claims"])
            }
            found.append(
                {"kind": row["kind"], "property": row["property"], "members": sorted(claims), "claims": claims}
            )
        return found

    def _document(self, entity: str, key: str) -> str:
        """The document of a line, as a case names it."""
        kind = self._kinds[entity]
        return f"{kind.side}/{kind.document}/{key}"
