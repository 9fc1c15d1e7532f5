"""A real Customerp sandbox on loopback, and connectors to it and to other servers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.load import load_capabilities
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.system import CustomerpSystem
from talk_assets_tests.systems.customerp.contract_server import TOKEN, ContractServer, contract_server

Connect = Callable[..., CustomerpSystem]


@pytest.fixture(scope="session")
def capabilities() -> Capabilities:
    return load_capabilities()


@pytest.fixture
def naps() -> list[float]:
    """The waits that connectors made instead of sleeping."""
    return []


@pytest.fixture
def connect(capabilities: Capabilities, naps: list[float]) -> Iterator[Connect]:
    """Opens connectors; the profile is given as its settings."""
    with ExitStack() as stack:

        def opening(
            url: str,
            profile: Mapping[str, Any] | Profile | None = None,
            secret: str = TOKEN,
            wanted: Mapping[str, Sequence[str]] | None = None,
        ) -> CustomerpSystem:
            spoken = profile if isinstance(profile, Profile) else Profile.model_validate(profile or {})
            system = CustomerpSystem(url, secret, spoken, capabilities, wanted, sleep=naps.append)
            stack.callback(system.close)
            return system

        yield opening


@pytest.fixture
def erp() -> Iterator[ContractServer]:
    """A Customerp that serves the published contract."""
    with contract_server() as server:
        yield server


@pytest.fixture
def customerp(erp: ContractServer, connect: Connect) -> CustomerpSystem:
    """A connector that speaks the contract to `erp`."""
    return connect(erp.url)
