"""What both systems must hold after something was done, by the document and not by the engine."""

from collections.abc import Mapping, Sequence

from talk_assets.mappings.model import Property
from talk_assets.qa.meaning import items, meaning, no_edit, own_form
from talk_assets.qa.scope import Scope, system_of

# Entity to the shared text that it must hold, '' for no value; None where the document does not say.
Expected = Mapping[str, str | None]


def after_creation(scope: Scope, name: str, shared: str) -> str | None:
    """What Exact must hold of a record that was created in Customerp with a value.

    Args:
        scope: the flow.
        name: the property.
        shared: the value, '' for none.
    """
    if not scope.subject.properties[name].claims(scope.customerp) or scope.written(name, scope.exact) == "never":
        return None
    # A value that Exact cannot take is left to Exact, and so is a default.
    return _kept(scope, name, scope.exact, shared) if shared else None


def after_edit(scope: Scope, name: str, source: str, before: Mapping[str, str], typed: str) -> Expected:
    """What both entities must hold after a person edited one property in one of them.

    Args:
        scope: the flow.
        name: the property.
        source: the entity that was edited.
        before: what each entity held, as shared texts.
        typed: the new value as a shared text, '' when it was emptied.
    """
    row, target = scope.subject.properties[name], scope.other(source)
    stays = before[target]
    if no_edit(row, typed, before[source]):
        return {source: typed, target: stays}
    put_back = before[source] if scope.written(name, source) == "always" else typed
    if not row.claims(source):
        # Nothing is put back where nothing is agreed.
        return {source: put_back if stays else None, target: stays}
    if not typed and not scope.may_clear(name, source):
        return {source: put_back, target: stays}
    if not scope.carried(name, source):
        return {source: typed, target: stays}
    kept = _kept(scope, name, target, typed)
    return {source: typed, target: stays if kept is None else kept}


def after_both(scope: Scope, name: str, edits: Sequence[tuple[str, str]]) -> Expected:
    """What both entities must hold after a property was edited in both.

    Args:
        scope: the flow.
        name: the property.
        edits: entity and new value as a shared text, the earlier first.
    """
    row, typed = scope.subject.properties[name], dict(edits)
    if row.rule == "manual":
        return dict(typed)
    if row.rule == "union":
        every = "\n".join(items("\n".join(typed.values()), "\n"))
        return dict.fromkeys(typed, every)
    winner = edits[-1][0] if row.rule == "latest" else _first_named(row, list(typed))
    loser = scope.other(winner)
    return {winner: typed[winner], loser: _kept(scope, name, loser, typed[winner])}


def decides_by_hand(scope: Scope, name: str) -> bool:
    """Whether a person decides when a property was edited in both."""
    return scope.subject.properties[name].rule == "manual"


def _first_named(row: Property, entities: Sequence[str]) -> str:
    return min(
        entities,
        key=lambda entity: next(
            (place for place, name in enumerate(row.order) if name in (entity, system_of(entity))), len(row.order)
        ),
    )


def _kept(scope: Scope, name: str, entity: str, shared: str) -> str | None:
    """The shared text of what an entity holds of a value; None where it cannot take it."""
    row, member = scope.subject.properties[name], scope.member(name, entity)
    own = own_form(shared, row, member, scope.able(name, entity))
    return None if own is None else meaning(own, row, member)
