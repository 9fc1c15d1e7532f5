"""Who is logged in, and what is told of divisions."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from talk_assets.errors import UnexpectedAnswer
from talk_assets.systems.exact.account import Division, divisions, who
from talk_assets.systems.exact.client import ExactClient
from talk_assets.systems.exact.transport import exact_http
from talk_assets_tests.systems.exact.tenant import DIVISION, Tenant, printed
from talk_assets_tests.systems.loopback import Answer


@pytest.fixture
def client(tenant: Tenant) -> Iterator[ExactClient]:
    """Without a token: the tenant is told what to answer."""
    http = exact_http(tenant.url)
    yield ExactClient(http, DIVISION)
    http.close()


def told(tenant: Tenant, row: dict[str, Any]) -> None:
    tenant.script = lambda _asked: Answer(200, {"d": {"results": [row]}})


ACTIVE = {"Code": 1, "Description": "Een BV ", "Country": "NL ", "Status": 1, "BlockingStatus": 0, "Current": True}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("active", True, None)),
        ({"Status": 2}, ("archived", False, None)),
        ({"Status": 0}, ("inactive", False, None)),
        ({"Status": 7}, ("status 7", False, None)),
        ({"Status": None, "BlockingStatus": None}, ("", True, None)),
        ({"BlockingStatus": 2}, ("active, blocked: conversion busy", False, None)),
        ({"BlockingStatus": 77}, ("active, blocked: status 77", False, None)),
        ({"DivisionMoveDate": printed("2025-01-31T00:00:00")}, ("active", True, "2025-01-31")),
    ],
)
def test_what_is_told_of_a_division(
    client: ExactClient, tenant: Tenant, changes: dict[str, Any], expected: tuple[str, bool, str | None]
) -> None:
    """Somebody chooses an administration that is archived, or is about to be deleted, and wonders why nothing works."""
    told(tenant, {**ACTIVE, **changes})
    status, usable, moved = expected
    assert divisions(client) == [Division(1, "Een BV", "NL", status, usable, True, moved)]
    (asked,) = tenant.asked
    assert asked.path == f"/api/v1/{DIVISION}/system/Divisions"


@pytest.mark.parametrize("row", [{}, {**ACTIVE, "Code": None}, {**ACTIVE, "DivisionMoveDate": "soon"}])
def test_an_answer_of_another_shape_is_refused(client: ExactClient, tenant: Tenant, row: dict[str, Any]) -> None:
    """A list with holes would hide the administration that is looked for."""
    told(tenant, row)
    with pytest.raises(UnexpectedAnswer, match="reading the divisions"):
        divisions(client)


ME = {
    "UserID": "u",
    "FullName": "Anna Vos ",
    "UserName": "anna",
    "Email": "anna@example.com",
    "CurrentDivision": "123",
    "ServerTime": printed("2025-07-01T12:00:30"),
    "ServerUtcOffset": 7200.0,
}


def test_who_is_logged_in(client: ExactClient, tenant: Tenant) -> None:
    """A login with a colleague's name in the browser goes unnoticed, or the wrong clock is blamed for lost edits."""
    told(tenant, ME)
    me = who(client)
    assert (me.name, me.email, me.division) == ("Anna Vos (anna)", "anna@example.com", 123)
    assert me.server_time == datetime(2025, 7, 1, 10, 0, 30, tzinfo=UTC)
    told(tenant, {**ME, "ServerTime": "2025-01-01T12:00:30.5", "ServerUtcOffset": "3600"})
    assert who(client).server_time == datetime(2025, 1, 1, 11, 0, 30, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "without", ["ServerTime", "ServerUtcOffset", "FullName", "UserName", "CurrentDivision", "Email"]
)
def test_what_exact_leaves_out_is_no_error(client: ExactClient, tenant: Tenant, without: str) -> None:
    """A site that tells less than the reference says could not be used."""
    told(tenant, {**ME, without: None})
    me = who(client)
    assert me.name in ("Anna Vos (anna)", "anna", "Anna Vos")
    assert (me.server_time is None) == without.startswith("Server")
