"""Whether Exact lets us do what the mappings ask of it: login, division, scopes and rights, limits, the clock."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from talk_assets.checkup.refusals import advice_on
from talk_assets.connection import Connection
from talk_assets.errors import SystemFault
from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.leaving_out import way_without
from talk_assets.mappings.model import Mappings
from talk_assets.systems.budget import Budget
from talk_assets.systems.exact.account import Division, Me, divisions, who
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.entities import ADMINISTRATION, ENDPOINTS, Endpoint
from talk_assets.systems.exact.probe import Answer, Probe
from talk_assets.systems.repeats import Patience

OK, PROBLEM, UNKNOWN = "ok", "problem", "unknown"
# A token is renewed in the last half minute of its life: clocks that differ by more do so for a reason.
_CLOCK_SECONDS = 60.0
# A check is looked at by a person, who can start it again.
_PATIENCE = Patience(attempts=2)
_ALL = "all flows"
_CHOOSE = "`talk-assets exact divisions` lists those that can be entered."
# What the `Reason` header says when nothing of the division can be had (Exact reference, Errors).
_CLOSED = ("BlockedUser", "InactiveUser", "BlockedCustomer", "LicenseExpired", "DivisionBlocked", "NoDivisionAccess")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: what it is, as `read exact.accounts`.
        concerns: which flows it matters to, or what else.
        state: ok, problem, or unknown.
        seen: what Exact said.
        advice: what to do; empty when there is nothing.
        stops: whether a flow cannot be read because of it.
    """

    what: str
    concerns: str
    state: str
    seen: str = ""
    advice: str = ""
    stops: bool = False


def check(connection: Connection, mappings: Mappings, capabilities: Capabilities) -> list[Finding]:
    """Ask Exact for what the mappings need, writing nothing; no endpoint is called again once it has refused a call.

    Args:
        connection: to the configured site.
        mappings: what is synchronised.
        capabilities: what the entities can take.

    Raises:
        ConfigurationError: a setting is wrong, or nobody has logged in yet.
        LedgerError: the ledger cannot be used.
    """
    with connection.http(patience=_PATIENCE) as http:
        asked = datetime.now(UTC)
        try:
            me = who(ExactClient(http, 0))
        except SystemFault as fault:
            return [Finding("login", _ALL, PROBLEM, advice=str(fault), stops=True)]
        here = asked + (datetime.now(UTC) - asked) / 2
        number = connection.settings.exact_division
        place = _division(ExactClient(http, number or me.division or 0), number)
        found = [Finding("login", _ALL, OK, me.name), _clock(me, here), place]
        if number is not None and not place.stops:
            found += _permitted(Probe(http, number), list(_needs(mappings, capabilities)))
            found.append(_limits(connection.budget(str(number)).load().at(datetime.now(UTC).timestamp())))
    return found


@dataclass(frozen=True, slots=True)
class _Need:
    """An entity that the flows use."""

    entity: str
    flows: str
    endpoint: Endpoint
    capability: EntityCapability
    way_without: str


def _needs(mappings: Mappings, capabilities: Capabilities) -> Iterator[_Need]:
    flows: dict[str, list[str]] = {}
    for name, flow in mappings.flows.items():
        flows.setdefault(flow.exact, []).append(name)
    for entity, names in flows.items():
        for each in (entity, capabilities[entity].lines):
            if each is not None:
                yield _Need(each, ", ".join(names), ENDPOINTS[each], capabilities[each], way_without(mappings, entity))


def _clock(me: Me, here: datetime) -> Finding:
    if me.server_time is None:
        return Finding("clock", _ALL, UNKNOWN, "Exact does not tell its time")
    difference = (me.server_time - here).total_seconds()
    seen = f"Exact's clock is {abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} this machine's"
    if abs(difference) <= _CLOCK_SECONDS:
        return Finding("clock", _ALL, OK, seen)
    return Finding("clock", _ALL, PROBLEM, seen, "Set this machine's clock, by a time service.")


def _division(client: ExactClient, number: int | None) -> Finding:
    what = "division" if number is None else f"division {number}"
    if number is None:
        return Finding(what, _ALL, PROBLEM, "EXACT_DIVISION is not set", _CHOOSE, stops=True)
    try:
        found = {each.number: each for each in divisions(client)}
    except SystemFault as fault:
        # Reading does not need the list; what hinders that as well is found in a moment.
        return Finding(what, _ALL, UNKNOWN, "the divisions cannot be listed", str(fault))
    if not found:
        return Finding(what, _ALL, UNKNOWN, "no division is shown to this user", _CHOOSE)
    if number not in found:
        return Finding(what, _ALL, PROBLEM, "it is none that this user can enter", _CHOOSE, stops=True)
    return _known(what, found[number])


def _known(what: str, division: Division) -> Finding:
    parts = [division.name, division.status]
    if division.moved is not None:
        parts.append(f"moved on {division.moved}: row versions are counted anew since")
    seen = ", ".join(part for part in parts if part)
    if division.usable:
        return Finding(what, _ALL, OK, seen)
    return Finding(what, _ALL, PROBLEM, seen, f"It may refuse to be written. {_CHOOSE}")


def _permitted(probe: Probe, needs: Sequence[_Need]) -> list[Finding]:
    """What can be read and written; once Exact has shut the whole division, nothing more is asked for."""
    found: list[Finding] = []
    for number, need in enumerate(needs, start=1):
        reading = _reading(probe, need)
        found.append(reading.finding)
        if reading.closed:
            rest = needs[number:]
            return [*found, *(Finding(f"read {each.entity}", each.flows, UNKNOWN, "not asked for") for each in rest)]
        if reading.finding.state != PROBLEM:
            found.append(_writing(probe, need))
    return [*found, _deletions(probe), _webhooks(probe)]


@dataclass(frozen=True, slots=True)
class _Reading:
    finding: Finding
    closed: bool = False


def _reading(probe: Probe, need: _Need) -> _Reading:
    what, endpoint, key = f"read {need.entity}", need.endpoint, need.capability.key
    asked = [(endpoint.path, probe.first), (endpoint.sync, probe.first_change)]
    asked += [(endpoint.bulk, probe.first)] if endpoint.bulk is not None else []
    paths, some = ", ".join(path for path, _ in asked), False
    for path, ask in asked:
        answer = ask(path, key)
        if answer.rows is None:
            return _Reading(_refused(probe, what, need, path, answer), answer.reason in _CLOSED)
        some |= bool(answer.rows)
    if some:
        return _Reading(Finding(what, need.flows, OK, paths))
    # Without the right to read, Exact may show an empty list instead of an error (Exact reference, Rights).
    right = probe.has_right(endpoint.path, "GET")
    if right is None:
        seen = "no record is shown, and Exact does not tell whether the user may see any"
        return _Reading(Finding(what, need.flows, UNKNOWN, seen, "Look in Exact whether there are any."))
    if right:
        return _Reading(Finding(what, need.flows, OK, f"{paths}: empty"))
    advice = f"Give the user who logged in the right to read {endpoint.path} in this division. {need.way_without}"
    return _Reading(Finding(what, need.flows, PROBLEM, "no record is shown to this user", advice.strip(), stops=True))


def _refused(probe: Probe, what: str, need: _Need, path: str, answer: Answer) -> Finding:
    # A refusal does not say which of scope, right and licence is missing; the user's right can be asked for.
    named = answer.scope_missing or answer.reason in _CLOSED or answer.status != 403
    right = None if named else probe.has_right(need.endpoint.path, "GET")
    advice = advice_on(answer, need.endpoint.scope, "read", right)
    if answer.status == HTTPStatus.FORBIDDEN and answer.reason not in _CLOSED:
        advice = f"{advice} {need.way_without}".strip()
    return Finding(what, need.flows, PROBLEM, f"{path}: {answer.said}", advice, stops=True)


def _writing(probe: Probe, need: _Need) -> Finding:
    what, path = f"write {need.entity}", need.endpoint.path
    if need.capability.read_only is not None:
        return Finding(what, need.flows, OK, f"not written: {need.capability.read_only}")
    rights: Mapping[str, bool | None] = {action: probe.has_right(path, action) for action in ("POST", "PUT")}
    if None in rights.values():
        return Finding(what, need.flows, UNKNOWN, "not known without writing", _manage(need))
    missing = [action for action, right in rights.items() if not right]
    if missing:
        words = {"POST": "create", "PUT": "change"}
        named = " and ".join(words[action] for action in missing)
        advice = f"Give the user who logged in the right to {named} {path} in this division."
        return Finding(what, need.flows, PROBLEM, f"the user may not {named} records", advice)
    return Finding(what, need.flows, OK, f"the user may; the app has to have {need.endpoint.scope} at manage")


def _manage(need: _Need) -> str:
    return f"See that the app's registration has {need.endpoint.scope} at manage."


def _deletions(probe: Probe) -> Finding:
    what, path = "read deletions", "sync/Deleted"
    answer = probe.first_change(path, "ID")
    if answer.rows is None:
        advice = advice_on(answer, ADMINISTRATION, "read", None)
        return Finding(what, _ALL, PROBLEM, f"{path}: {answer.said}", advice, stops=True)
    if answer.rows or probe.has_right(path, "GET") is not False:
        return Finding(what, _ALL, OK, path if answer.rows else f"{path}, empty")
    advice = f"Give the user who logged in the right to read {path} in this division."
    return Finding(what, _ALL, PROBLEM, "nothing is shown to this user", advice, stops=True)


def _webhooks(probe: Probe) -> Finding:
    path = "webhooks/WebhookSubscriptions"
    answer = probe.first_of_any(path, "ID")
    if answer.rows is not None:
        return Finding("webhooks", "notifications", OK, f"{path}; to subscribe takes {ADMINISTRATION} at manage")
    advice = advice_on(answer, ADMINISTRATION, "manage", None)
    return Finding("webhooks", "notifications", PROBLEM, f"{path}: {answer.said}", advice)


def _limits(budget: Budget) -> Finding:
    windows = ((budget.day, "today"), (budget.minute, "in this minute"))
    told = [f"{window.left:,} of {window.limit:,} calls left {when}" for window, when in windows if window is not None]
    if not told:
        return Finding("budget of calls", _ALL, UNKNOWN, "Exact told nothing of it")
    return Finding("budget of calls", _ALL, OK, ", ".join(told))
