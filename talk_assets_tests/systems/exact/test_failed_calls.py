"""Exact's budget of failed calls: an app that goes on being refused is shut out, and everything it does with it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from talk_assets.errors import AccessDenied, RecordRejected, SystemFault, SystemUnavailable
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.exact.failed_calls import MOST_FAILED
from talk_assets_tests.systems.exact.tenant import Clock, Store, Tenant, connect, error, served


class Memory:
    """What processes share."""

    def __init__(self) -> None:
        self.kept: dict[str, list[datetime]] = {}

    def load(self) -> Mapping[str, Sequence[datetime]]:
        return self.kept

    def add(self, endpoint: str, moment: datetime, since: datetime) -> None:
        self.kept[endpoint] = [each for each in self.kept.get(endpoint, []) if each > since] + [moment]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_endpoint_that_keeps_refusing_is_left_alone_for_an_hour(status: int, capabilities: Capabilities) -> None:
    """A right that is missing over the weekend shuts the app out, and with it everything that does work."""
    clock, memory, store = Clock(), Memory(), Store()
    tenant = Tenant(clock)
    with served(tenant):
        tenant.script = lambda asked: error(status, "Forbidden") if "sync/CRM/Accounts" in asked.path else None
        for _ in range(30):
            # Every run is a process of its own.
            exact = connect(tenant.url, clock, store, capabilities, failed=memory)
            with pytest.raises(SystemFault):
                exact.read("exact.accounts", None)
            exact.read("exact.contacts", None)
            exact.close()
            clock.time += timedelta(minutes=1)
        refused = [asked for asked in tenant.asked if "sync/CRM/Accounts" in asked.path]
        assert len(refused) == MOST_FAILED
        assert len([asked for asked in tenant.asked if "sync/CRM/Contacts" in asked.path]) == 30

        exact = connect(tenant.url, clock, store, capabilities, failed=memory)
        with pytest.raises(SystemUnavailable, match=r"in 30 minutes it is called again") as caught:
            exact.read("exact.accounts", None)
        assert caught.value.retry_after == pytest.approx(1800)
        clock.time += timedelta(minutes=30)
        tenant.script = lambda _asked: None
        assert exact.read("exact.accounts", None).records == []
        exact.close()


def test_refusals_of_records_are_no_failed_calls(capabilities: Capabilities) -> None:
    """Six customers with a wrong value would hold up all the others."""
    clock, memory = Clock(), Memory()
    tenant = Tenant(clock)
    with served(tenant):
        tenant.script = lambda asked: error(500, "Verplicht: Naam") if "crm" in asked.path else None
        exact = connect(tenant.url, clock, Store(), capabilities, failed=memory)
        for _ in range(MOST_FAILED + 1):
            with pytest.raises(RecordRejected):
                exact.create("exact.accounts", {"Name": "One"})
        assert memory.kept == {}
        exact.close()


def test_a_missing_right_is_told_as_long_as_it_is_asked_for(capabilities: Capabilities) -> None:
    """A person would be told to wait, and not which right is missing."""
    clock = Clock()
    tenant = Tenant(clock)
    with served(tenant):
        tenant.script = lambda asked: error(403, "Forbidden") if "sync/CRM/Accounts" in asked.path else None
        exact = connect(tenant.url, clock, Store(), capabilities, failed=Memory())
        for _ in range(MOST_FAILED):
            with pytest.raises(AccessDenied, match="crm/accounts"):
                exact.read("exact.accounts", None)
        exact.close()
