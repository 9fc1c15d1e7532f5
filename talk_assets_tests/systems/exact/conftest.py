from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.load import load_capabilities
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import Clock, Store, Tenant, connect, served


@pytest.fixture(scope="session")
def capabilities() -> Capabilities:
    return {entity: declared for entity, declared in load_capabilities().items() if entity.startswith("exact.")}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def tenant(clock: Clock) -> Iterator[Tenant]:
    tenant = Tenant(clock)
    with served(tenant):
        yield tenant


@pytest.fixture
def opened(
    tenant: Tenant, clock: Clock, store: Store, capabilities: Capabilities
) -> Iterator[Callable[..., ExactSystem]]:
    """Opens connectors to the tenant, all on one token store, as processes of one installation do."""
    with ExitStack() as stack:

        def opening(**options: str | None) -> ExactSystem:
            exact = connect(options.pop("url", None) or tenant.url, clock, store, capabilities, **options)  # type: ignore[arg-type]
            stack.callback(exact.close)
            return exact

        yield opening


@pytest.fixture
def exact(opened: Callable[..., ExactSystem]) -> ExactSystem:
    return opened()
