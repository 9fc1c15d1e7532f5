"""Questions to Exact whose refusals are answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from talk_assets.checkup.refusals import advice_on
from talk_assets.systems.exact.probe import Probe
from talk_assets.systems.exact.transport import exact_http
from talk_assets.systems.repeats import Patience
from talk_assets_tests.systems.exact.tenant import DIVISION, Tenant, error
from talk_assets_tests.systems.loopback import Answer


@pytest.fixture
def probe(tenant: Tenant) -> Iterator[Probe]:
    """Without a token: the tenant is told what to answer."""
    http = exact_http(tenant.url, patience=Patience(attempts=1))
    yield Probe(http, DIVISION)
    http.close()


def told(tenant: Tenant, answer: Answer) -> None:
    tenant.script = lambda _asked: answer


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({"d": {"UserHasRights": True}}, True),
        ({"d": {"UserHasRights": False}}, False),
        ({"d": {"results": [{"UserHasRights": True}]}}, True),
        ({"d": {"UserHasRights": "false"}}, False),
        ({"d": {"UserHasRights": None}}, None),
        ({"d": {}}, None),
        ({"d": {"results": []}}, None),
        ({"hello": 1}, None),
        ("<html>Log in</html>", None),
    ],
)
def test_a_right_is_read_in_every_known_shape(probe: Probe, tenant: Tenant, body: Any, right: bool | None) -> None:
    """A missing right would be told where there is none, or the other way round."""
    told(tenant, Answer(200, body))
    assert probe.has_right("crm/Accounts", "POST") is right
    (asked,) = tenant.asked
    assert asked.path == f"/api/v1/{DIVISION}/users/UserHasRights"
    assert asked.query == {"endpoint": "'crm/Accounts'", "action": "'POST'"}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_rights_are_asked_for_once_where_exact_does_not_tell(probe: Probe, tenant: Tenant, status: int) -> None:
    """Ten refused calls in an hour block the app; a check would spend them all on one question."""
    told(tenant, error(status, "Forbidden"))
    assert [probe.has_right("crm/Accounts", action) for action in ("GET", "POST", "PUT")] == [None] * 3
    assert len(tenant.asked) == 1


@pytest.mark.parametrize(
    ("answer", "right", "advice"),
    [
        (error(403, "Forbidden", Reason="NoDivisionAccess"), None, "Give the user who logged in access to"),
        (error(403, "Forbidden - Application Scope Violated. Cannot read 'crm.accounts' scope."), None,
         "Give the app's registration the scope crm/accounts at read, and log in again"),
        (error(403, "Forbidden"), True, "The user has the right: look whether the division's licence has the module"),
        (error(403, "Forbidden"), False, "Give the user who logged in the right to it in this division."),
        (error(403, "Forbidden"), None, "Give the user who logged in the right to it, the app's registration"),
        (error(404, "Not found"), None, "Look whether the division's licence has the module"),
        (error(400, "No such filter"), None, "Look at what Exact says"),
        (error(503, "Busy"), None, "Try again later."),
        (Answer(200, "<html>"), None, "Look at what Exact says"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do(
    probe: Probe, tenant: Tenant, answer: Answer, right: bool | None, advice: str
) -> None:
    """Somebody who sees Forbidden tries scopes, roles and licences in turn."""
    told(tenant, answer)
    got = probe.first("crm/Accounts", "ID")
    assert got.rows is None
    assert advice_on(got, "crm/accounts", "read", right).startswith(advice)
    (asked,) = tenant.asked
    assert asked.query["$filter"] == "ID ne guid'00000000-0000-0000-0000-000000000000'"
    assert (asked.query["$select"], asked.query["$top"]) == ("ID", "1")
