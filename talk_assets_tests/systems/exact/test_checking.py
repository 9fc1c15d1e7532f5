"""What the connector says when it cannot read: scopes, settings, declarations."""

import pytest

from talk_assets.errors import AccessDenied, ConfigurationError, UnexpectedAnswer
from talk_assets.mappings.capabilities import Capabilities, PropertyCapability
from talk_assets.systems.exact.entities import ENDPOINTS
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import DIVISION, Clock, Store, Tenant, connect, error
from talk_assets_tests.systems.loopback import Answer

ACCOUNTS = "sync/CRM/Accounts"
BULK_ITEMS = "bulk/Logistics/Items"
ITEMS = "sync/Logistics/Items"
HEADERS = "sync/CRM/QuotationHeaders"
LINES = "sync/CRM/QuotationLines"


def test_a_missing_scope_names_it(exact: ExactSystem, tenant: Tenant) -> None:
    """Without the scope's name nobody knows what to tick in the app registration."""
    text = "Forbidden - Application Scope Violated. Cannot read 'crm.accounts' scope."
    tenant.script = lambda asked: error(403, text, Reason="NoScope") if "sync" in asked.path else None
    with pytest.raises(AccessDenied, match=r"NoScope, .*'crm\.accounts' scope.*the scope crm/accounts"):
        exact.read("exact.accounts", None)
    assert len(tenant.resources()) == 1, "refused calls must not be repeated: ten of them block the app"


def test_a_refused_request_is_told_and_not_repeated(exact: ExactSystem, tenant: Tenant) -> None:
    """Ten refused calls in an hour block the app for everybody."""
    message = '<m:message xml:lang="">No &lt;such&gt; filter</m:message>'
    xml = f'<?xml version="1.0"?><m:error xmlns:m="x"><m:code/>{message}</m:error>'
    tenant.script = lambda asked: Answer(400, xml) if "sync" in asked.path else None
    with pytest.raises(UnexpectedAnswer, match="400, No <such> filter"):
        exact.read("exact.accounts", None)
    assert len(tenant.resources()) == 1


def test_a_missing_set_names_the_settings(exact: ExactSystem, tenant: Tenant) -> None:
    """A wrong address or administration would look like a fault of the program."""
    tenant.script = lambda asked: Answer(404) if "sync" in asked.path else None
    with pytest.raises(UnexpectedAnswer, match="EXACT_URL and EXACT_DIVISION"):
        exact.read("exact.accounts", None)


@pytest.mark.parametrize("status", [403, 404])
def test_checking_tells_a_wrong_administration(exact: ExactSystem, tenant: Tenant, status: int) -> None:
    """The first run would fail entity by entity instead of saying which setting is wrong."""
    denied = error(status, "Forbidden", Reason="NoDivisionAccess")
    tenant.script = lambda asked: denied if str(DIVISION) in asked.path else None
    with pytest.raises(AccessDenied, match="EXACT_DIVISION"):
        exact.check()


def test_checking_a_good_connection_is_quiet(exact: ExactSystem, tenant: Tenant) -> None:
    """A check that fails on a good connection stops every installation."""
    exact.check()
    assert [asked.path for asked in tenant.resources()] == ["/api/v1/current/Me", f"/api/v1/{DIVISION}/crm/Contacts"]


@pytest.mark.parametrize(
    ("entity", "name", "problem"),
    [
        ("exact.accounts", "Nmae", "not declared"),
        ("exact.quotations", "WarehouseCode", "does not report changes"),
    ],
)
def test_a_property_that_cannot_be_read_is_told_at_the_start(
    capabilities: Capabilities, clock: Clock, store: Store, entity: str, name: str, problem: str
) -> None:
    """A misspelt name would be a refused call on every read, or a column that never changes."""
    declared = capabilities[entity]
    extra = {**declared.properties, "WarehouseCode": PropertyCapability()}
    known = {**capabilities, entity: declared.model_copy(update={"properties": extra})}
    with pytest.raises(ConfigurationError, match=f"{entity}: .*{name}") as caught:
        connect("http://127.0.0.1:9", clock, store, known, wanted={entity: [name]})
    assert problem in str(caught.value)


def test_exact_is_reached_by_https(capabilities: Capabilities, clock: Clock, store: Store) -> None:
    """Secrets would cross the network in clear."""
    with pytest.raises(ConfigurationError, match=r"EXACT_URL: .*https"):
        connect("http://start.exactonline.nl", clock, store, capabilities)


def test_every_declared_entity_has_its_sets(capabilities: Capabilities) -> None:
    """An entity that capabilities declare but the connector does not know fails at its first read."""
    assert set(ENDPOINTS) == set(capabilities)
    for entity, endpoint in ENDPOINTS.items():
        declared = capabilities[entity]
        assert (endpoint.nested is not None) == (declared.lines is not None)
        assert (endpoint.position is not None) == (declared.document is not None)
