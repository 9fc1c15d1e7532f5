from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import resources

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.exact.system import ExactSystem
from talk_assets_tests.systems.exact.tenant import Clock, Store, Tenant, connect, served


@pytest.fixture(scope="session")
def capabilities() -> Capabilities:
    text = resources.files("talk_assets.systems.exact").joinpath("capabilities.yaml").read_text()
    return TypeAdapter(Capabilities).validate_python(YAML(typ="safe").load(text))


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
