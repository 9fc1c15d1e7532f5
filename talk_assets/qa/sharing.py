"""Which rows are about the same record: few records cost few calls and little time."""

from collections.abc import Sequence
from dataclasses import replace

from talk_assets.qa.case import Case
from talk_assets.qa.samples import Mark, sample
from talk_assets.qa.values import EMPTIED, edges


def numbered(cases: Sequence[Case], mark: Mark, behind: int = 0) -> list[Case]:
    """The rows with the numbers of their records, and with what is typed there.

    Args:
        cases: the rows, with the names of their records.
        mark: of the run.
        behind: the number before the first.
    """
    numbers = {name: number for number, name in enumerate(dict.fromkeys(case.record for case in cases), behind + 1)}
    return [_typed(replace(case, number=numbers[case.record]), mark) for case in cases]


def _typed(case: Case, mark: Mark) -> Case:
    if not case.edge:
        return case
    base = sample(case.scope, case.property, case.number, mark)
    edge = next(each for each in edges(case.scope, case.property, case.source, base) if each.name == case.edge)
    return replace(case, typed=edge.typed, start=edge.start)


def alone(case: Case) -> Case:
    """The row about a record of its own."""
    return replace(case, record=case.id)


def shared(cases: Sequence[Case]) -> list[Case]:
    """The rows with the names of their records: as few as keep them from disturbing one another.

    Rows that edit different properties in the same manner share a record, unless the properties are decided together.
    A code or a reference that is not taken can hold a record as a whole, so those have records of their own.
    """
    found: list[Case] = []
    taken: dict[tuple[str, ...], list[set[str]]] = {}
    for case in cases:
        if case.kind == "created" and not case.edge:
            found.append(replace(case, record=f"{case.scope.name}/created"))
            continue
        names = {name for name in (case.property, case.other) if name in case.scope.rows}
        plain = all(case.scope.rows[name].type not in ("choice", "reference") for name in names)
        if case.kind not in ("edit", "both", "apart") or not plain or case.skip or _may_be_refused(case):
            found.append(alone(case))
            continue
        units = {case.scope.rows[name].group or f"property {name}" for name in names}
        manner = (case.scope.name, case.kind, case.source)
        records = taken.setdefault(manner, [])
        place = next((at for at, others in enumerate(records) if not others & units), len(records))
        if place == len(records):
            records.append(set())
        records[place] |= units
        found.append(replace(case, record=f"{'/'.join(manner)}/{place}"))
    return found


def _may_be_refused(case: Case) -> bool:
    """Whether what is emptied is one of several properties of which a record needs at least one."""
    if case.edge != EMPTIED:
        return False
    scope = case.scope
    return any(
        scope.member(case.property, entity).name in group
        for entity in scope.flow.entities
        for group in scope.capabilities[entity].any_of
    )
