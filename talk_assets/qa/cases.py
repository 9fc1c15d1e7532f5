"""The checklist: one row per thing that the document says and that can be seen in both systems."""

from collections.abc import Iterator, Sequence

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Comparison, CriterionProperty, Mappings
from talk_assets.qa.case import BLANKS, LETTER_CASE, PUNCTUATION, RECORD, Case, Kind
from talk_assets.qa.samples import Mark, sample
from talk_assets.qa.scope import Scope, a, scopes, system_name, system_of
from talk_assets.qa.sharing import numbered, shared
from talk_assets.qa.values import Edge, edges

_LOOSE: dict[Comparison, tuple[str, ...]] = {
    "exact": (),
    "ignore_case": (LETTER_CASE,),
    "compact": (LETTER_CASE, BLANKS),
    "alphanumeric": (LETTER_CASE, BLANKS, PUNCTUATION),
    "digits": (BLANKS, PUNCTUATION),
}


def checklist(mappings: Mappings, capabilities: Capabilities, mark: Mark, only: Sequence[str] = ()) -> list[Case]:
    """Every row, in the order of the document.

    Args:
        mappings: as signed off.
        capabilities: what the entities can take.
        mark: of the run, for values that are to be typed.
        only: names of flows; none for all.

    Raises:
        ConfigurationError: there is no such flow.
    """
    found = [case for scope in scopes(mappings, capabilities, only) for case in _of_flow(scope, mark)]
    return numbered(shared(found), mark)


def _of_flow(scope: Scope, mark: Mark) -> Iterator[Case]:
    lines = scope.document is not None
    yield from _creation(scope)
    if not lines:
        yield from _matching(scope)
    yield from _whole_lines(scope) if lines else _deletion(scope)
    for name in scope.rows:
        base = sample(scope, name, 0, mark)
        yield _created(scope, name)
        yield from _created_at_edges(scope, name, base)
        for source in (scope.exact, scope.customerp):
            yield from _edits(scope, name, source, base)
        yield from _conflicts(scope, name)


def _creation(scope: Scope) -> Iterator[Case]:
    source, target = scope.customerp, scope.exact
    if scope.flow.create.exact and scope.capabilities[target].read_only is not None:
        title = f"{a(source)} made in Customerp waits for a person to enter it in Exact."
        yield Case(scope, RECORD, "created", "by_hand", title, source)
    else:
        title = f"{a(source)} made in Customerp has {a(target).lower()} created."
        yield Case(scope, RECORD, "created", "created", title, source, skip=scope.unmade)
    if scope.document is not None:
        return
    wish = "has" if scope.flow.create.customerp else "does not have"
    title = f"{a(target)} made in Exact {wish} {a(source).lower()} created."
    skip = scope.capabilities[target].read_only or ""
    yield Case(scope, RECORD, "created-in-exact", "not_created", title, target, skip=skip)
    join = scope.flow.join
    if join is not None and not join.written:
        title = f"{a(join.entity)} that names {a(join.to).lower()} shares its {scope.other(join.entity)}."
        known = join.entity == scope.customerp and flow_to(scope, join.to) is not None
        yield Case(scope, RECORD, "joined", "joined", title, join.entity, skip="" if known else "No flow makes both.")


def flow_to(scope: Scope, entity: str) -> Scope | None:
    """The flow that gives another entity of Customerp the same counterpart; None where there is none."""
    for name, flow in scope.subject.flows.items():
        if flow.entities == (entity, scope.exact):
            return Scope(name, flow, scope.subject, scope.mappings, scope.capabilities)
    return None


def _created(scope: Scope, name: str) -> Case:
    skip = scope.left_out(name) or scope.unmade or _not_sent(scope, name)
    title = f"Created in Customerp, found in Exact as `{scope.member(name, scope.exact).name}`."
    return Case(scope, name, "created", "created", title, scope.customerp, skip=skip)


def _not_sent(scope: Scope, name: str) -> str:
    row = scope.rows[name]
    if row.direction == "match":
        return "It is only compared."
    if not row.claims(scope.customerp):
        return "It is carried to Customerp only."
    reason = f"Exact's {scope.member(name, scope.exact).name} is never written."
    return reason if scope.written(name, scope.exact) == "never" else ""


def _created_at_edges(scope: Scope, name: str, base: str) -> Iterator[Case]:
    """Values that Exact takes at creation alone."""
    fixed = scope.written(name, scope.exact) == "create" and scope.rows[name].type != "reference"
    if not fixed or scope.left_out(name) or scope.unmade or _not_sent(scope, name):
        return
    for edge in edges(scope, name, scope.customerp, base):
        if edge.typed:
            title = f"Created in Customerp with {_words(edge)}."
            yield Case(scope, name, f"created-{edge.name}", "created", title, scope.customerp, edge.name)


def _edits(scope: Scope, name: str, source: str, base: str) -> Iterator[Case]:
    system = system_of(source)
    skip = scope.left_out(name) or scope.not_editable(name, source) or scope.unmade
    way = f"Edited in {system_name(source)}"
    carried = scope.carried(name, source)
    if skip:
        yield Case(scope, name, f"{system}-edit", "edit", f"{way}.", source, skip=skip)
        return
    tried = edges(scope, name, source, base)
    if not carried:
        # Which value it is makes no difference when none travels.
        tried = [*tried[:1], *(edge for edge in tried[1:] if not edge.typed)]
    for edge in tried:
        title = f"{way}, {_words(edge)}: {'found in' if carried else 'goes not to'} {system_name(scope.other(source))}."
        # A refusal that can be foreseen is not asked for: Exact bears few of them in an hour.
        needed = not edge.typed and scope.able(name, source).required
        why = f"{system_name(source)}'s {scope.member(name, source).name} cannot be empty." if needed else ""
        yield Case(scope, name, f"{system}-{edge.name}", "edit", title, source, edge.name, skip=why)


def _words(edge: Edge) -> str:
    return edge.name.replace("-", " ")


def _conflicts(scope: Scope, name: str) -> Iterator[Case]:
    if not _both_ways(scope, name):
        return
    for first in scope.flow.entities:
        later = scope.other(first)
        title = f"Edited in both systems at once, in {system_name(later)} later."
        yield Case(scope, name, f"both-{system_of(later)}-later", "both", title, first)
    other = _neighbour(scope, name)
    if other is not None:
        title = f"Edited in Customerp while `{other}` is edited in Exact: both travel."
        yield Case(scope, name, "both-apart", "apart", title, scope.customerp, other=other)


def _both_ways(scope: Scope, name: str) -> bool:
    sides = scope.flow.entities
    if scope.left_out(name) or scope.unmade or scope.rows[name].type in ("reference", "boolean"):
        return False
    return all(scope.carried(name, source) and not scope.not_editable(name, source) for source in sides)


def _neighbour(scope: Scope, name: str) -> str | None:
    """The next property that can be edited on both sides and is not decided together with this one."""
    names = [each for each in scope.rows if _both_ways(scope, each)]
    at = names.index(name)
    group = scope.rows[name].group
    around = [*names[at + 1 :], *names[:at]]
    return next((each for each in around if group is None or scope.rows[each].group != group), None)


def _matching(scope: Scope) -> Iterator[Case]:
    for number, parts in enumerate([*scope.flow.criteria, *scope.subject.criteria], 1):
        yield from _criterion(scope, number, parts)


def _criterion(scope: Scope, number: int, parts: list[CriterionProperty]) -> Iterator[Case]:
    names = tuple(part.property for part in parts)
    told = " and ".join(f"`{name}`" for name in names)
    skip = _not_made(scope, names)

    def row(name: str, kind: Kind, title: str, variant: str = "", source: str = "", why: str = "") -> Case:
        return Case(
            scope,
            RECORD,
            f"match-{number}-{name}",
            kind,
            title,
            source or scope.customerp,
            criterion=names,
            variant=variant,
            skip=skip or why,
        )

    yield row("equal", "match", f"Records with equal {told} are linked, and none is created.")
    for part in parts:
        property_row = scope.rows[part.property]
        if property_row.type not in ("text", "code", "email"):
            continue
        loose = _LOOSE[part.compare or property_row.compare]
        loose = (*loose, LETTER_CASE) if property_row.type == "email" else loose
        for variant in (LETTER_CASE, BLANKS, PUNCTUATION):
            found = variant in loose
            numeric = any(scope.able(part.property, entity).type == "integer" for entity in scope.flow.entities)
            why = "It is a number." if numeric else ""
            if property_row.type == "email" and variant != LETTER_CASE:
                continue
            title = (
                f"Records whose {part.property} differs in {variant.replace('-', ' ')} are {'' if found else 'not '}"
            )
            yield row(
                f"{part.property}-{variant}",
                "match" if found else "no_match",
                f"{title}linked.",
                f"{variant}:{part.property}",
                why=why,
            )
    if len(names) > 1:
        for name in names:
            title = f"Records that are equal in {told} but for `{name}` are not linked."
            yield row(f"without-{name}", "no_match", title, f"differs:{name}")
    needed = [name for name in names if any(scope.able(name, entity).required for entity in scope.flow.entities)]
    why = f"{needed[0]} cannot be empty." if needed else ""
    yield row("empty", "no_match", f"Records that are both empty in {told} are not linked.", "empty", why=why)
    for twice in scope.flow.entities:
        title = f"With two records of {system_name(twice)} with equal {told} none is linked or created."
        why = "Several records of one system are kept equal." if scope.subject.keeps_twins else ""
        yield row(f"ambiguous-{system_of(twice)}", "ambiguous", title, source=twice, why=why)


def _not_made(scope: Scope, names: tuple[str, ...]) -> str:
    """Why the records of a criterion cannot be made."""
    reason = scope.capabilities[scope.exact].read_only
    if reason is not None:
        return reason
    for name in names:
        for entity in scope.flow.entities:
            if scope.able(name, entity).write == "never":
                return f"{system_name(entity)}'s {scope.member(name, entity).name} is computed."
    return ""


def _deletion(scope: Scope) -> Iterator[Case]:
    for source in (scope.customerp, scope.exact):
        policy = scope.flow.when_gone.policy(source)
        reason = scope.capabilities[source].read_only or scope.capabilities[source].no_delete or scope.unmade
        title = f"Deleted in {system_name(source)} ({policy})."
        yield Case(scope, RECORD, f"deleted-in-{system_of(source)}", "deleted", title, source, skip=reason or "")


def _whole_lines(scope: Scope) -> Iterator[Case]:
    document = scope.document
    unmade = (document.unmade if document is not None else "") or scope.unmade
    for source in (scope.customerp, scope.exact):
        system = system_of(source)
        made = scope.flow.create.customerp if system == "exact" else scope.flow.create.exact
        title = f"A line added in {system_name(source)} {'is added to' if made else 'does not reach'} the other system."
        yield Case(scope, RECORD, f"added-in-{system}", "line_added", title, source, skip=unmade)
        policy = scope.flow.when_gone.policy(source)
        title = f"A line removed in {system_name(source)} ({policy})."
        why = "" if system == "exact" else "The interface of Customerp removes no single lines."
        yield Case(scope, RECORD, f"removed-in-{system}", "line_removed", title, source, skip=unmade or why)
