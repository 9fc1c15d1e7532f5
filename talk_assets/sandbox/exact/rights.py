"""What the app and its user may do: the app's scopes, the user's rights per set, and the question about them.

Both refuse with 403; a right may also be missing without a word, so that a set looks empty (Exact reference, Query
options and filters, Rights).
"""

from collections.abc import Mapping
from typing import Any, get_args

from talk_assets.sandbox.exact.answer import Answer
from talk_assets.sandbox.exact.config import ExactConfig, Right, Scope
from talk_assets.sandbox.exact.errors import Refused, bad_request, forbidden
from talk_assets.sandbox.exact.model import (
    ACTIONS,
    ADMINISTRATION,
    DELETED,
    DIVISIONS,
    HRM_DIVISIONS,
    SETS,
    SYNC_TIMESTAMP,
    USER_HAS_RIGHTS,
    WEBHOOKS,
    EntitySet,
)

_SPACES = (
    'xmlns:p1="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
    'xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices"'
)
_VERBS = ("GET", "POST", "PUT", "DELETE")
# Sets to which the user can have a right of their own; to carry an action out needs that of its documents.
_SETS: Mapping[str, EntitySet] = {
    entity_set.name: entity_set
    for entity_set in (*SETS.values(), WEBHOOKS, DIVISIONS, HRM_DIVISIONS, DELETED, SYNC_TIMESTAMP)
}
_SCOPES = (*dict.fromkeys(entity_set.scope for entity_set in SETS.values()), ADMINISTRATION)


def _endpoints() -> dict[str, tuple[EntitySet, tuple[str, ...]]]:
    """The addresses that can be asked about, in lower case, with their set and its verbs."""
    found: dict[str, tuple[EntitySet, tuple[str, ...]]] = {}
    for entity_set in _SETS.values():
        found[entity_set.path.lower()] = (entity_set, _VERBS if entity_set.writable else _VERBS[:1])
        for family, path in (("sync", entity_set.sync_path), ("bulk", entity_set.bulk_path)):
            if path is not None:
                found[f"{family}/{path}".lower()] = (entity_set, _VERBS[:1])
    for action in ACTIONS.values():
        found[action.path.lower()] = (action, ("POST",))
    return found


_ENDPOINTS = _endpoints()


class Access:
    """The scopes and rights that are in force; they begin as configured and are changed through `/_admin`."""

    def __init__(self, config: ExactConfig) -> None:
        self._config = config
        self.restore_scopes()
        self.restore_rights()

    def restore_scopes(self) -> None:
        """Put the configured scopes in force again."""
        granted = self._config.scopes
        self._scopes: dict[str, Scope] = dict.fromkeys(_SCOPES, "manage") if granted is None else dict(granted)

    def restore_rights(self) -> None:
        """Put the configured rights in force again."""
        self._rights: dict[str, Right] = dict(self._config.rights)

    def scopes(self) -> dict[str, Scope | None]:
        """The level of every scope, None for those that the app does not have."""
        return {scope: self._scopes.get(scope) for scope in _SCOPES}

    def rights(self) -> dict[str, Right]:
        """The user's right to every set."""
        return {name: self._rights.get(name, "manage") for name in _SETS}

    def set_scopes(self, wish: Mapping[str, Any]) -> None:
        """Change the scopes that are named; null takes one away.

        Raises:
            Refused: 400, a scope or its level does not exist.
        """
        _check(wish, "scope", _SCOPES, (*get_args(Scope), None))
        held = self._scopes | dict(wish)
        self._scopes = {scope: level for scope, level in held.items() if level is not None}

    def set_rights(self, wish: Mapping[str, Any]) -> None:
        """Change the rights to the sets that are named.

        Raises:
            Refused: 400, a set or a right does not exist.
        """
        _check(wish, "set", tuple(_SETS), get_args(Right))
        self._rights |= wish

    def admit(self, entity_set: EntitySet, method: str) -> bool:
        """Check that a call may be made; whether the set has to look empty to it.

        Raises:
            Refused: 403, a scope or a right is missing.
        """
        needed = "read" if method == "GET" else "manage"
        if self._scopes.get(entity_set.scope) not in (needed, "manage"):
            scope = entity_set.scope.replace("/", ".")
            raise forbidden(f"Forbidden - Application Scope Violated. Cannot {needed} '{scope}' scope.")
        right = self._right(entity_set)
        if right == "hidden" and method == "GET":
            return True
        if right not in (needed, "manage"):
            raise forbidden("Forbidden")
        return False

    def has_right(self, options: Mapping[str, str]) -> bool:
        """Answer `users/UserHasRights?endpoint='crm/Accounts'&action='GET'`; of an unknown address: no.

        The app's scopes have no part in it: the question is about the user.

        Raises:
            Refused: 400, a parameter is missing, or the action is no verb.
        """
        asked = {name: options.get(name, "").strip("'") for name in ("endpoint", "action")}
        action = asked["action"].upper()
        if not asked["endpoint"] or action not in _VERBS:
            raise bad_request(
                "The parameters endpoint and action are required: endpoint='service/Set'&action='GET', 'POST', 'PUT' "
                "or 'DELETE'."
            )
        entity_set, verbs = _ENDPOINTS.get(asked["endpoint"].strip("/").lower(), (None, ()))
        if entity_set is None or action not in verbs:
            return False
        return self._right(entity_set) in (("read", "manage") if action == "GET" else ("manage",))

    def _right(self, entity_set: EntitySet) -> Right:
        return self._rights.get(entity_set.acts_on or entity_set.name, "manage")


def has_right(access: Access, options: Mapping[str, str], *, as_json: bool) -> Answer:
    """The answer to `users/UserHasRights`: no record but a value, under the function's name.

    Raises:
        Refused: 400, see `Access.has_right`.
    """
    name, truth = USER_HAS_RIGHTS.key, access.has_right(options)
    if as_json:
        return Answer(200, {name: truth})
    text = f'<{name} p1:type="Edm.Boolean" {_SPACES}>{str(truth).lower()}</{name}>'
    return Answer(200, text, {"Content-Type": "application/xml;charset=utf-8"})


def _check(wish: Mapping[str, Any], kind: str, names: tuple[str, ...], levels: tuple[Any, ...]) -> None:
    for name, level in wish.items():
        if name not in names:
            raise _unknown(kind, name, names)
        if level not in levels:
            raise _unknown(f"level of {name}", level, levels)


def _unknown(kind: str, seen: Any, known: tuple[Any, ...]) -> Refused:
    shown = ", ".join("null" if name is None else str(name) for name in known)
    return bad_request(f"there is no {kind} {seen!r}; there are {shown}")
