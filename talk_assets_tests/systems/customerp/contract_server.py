"""The sandbox's Customerp behind uvicorn, with its users' hands."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from talk_assets.sandbox.customerp.app import create_app
from talk_assets.sandbox.customerp.config import CustomerpConfig
from talk_assets.sandbox.store import Store

TOKEN = "a-secret-token"


class ContractServer:
    """Where the server is, and what its users do there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})

    def show(self, path: str) -> dict[str, Any]:
        """A record as the contract shows it."""
        return dict(json.loads(self.shown(path)))

    def shown(self, path: str) -> bytes:
        """The same, to the byte."""
        return self._client.get(path).raise_for_status().content

    def add(self, path: str, **values: Any) -> str:
        """Create a record as a user; its key."""
        return str(self._client.post(path, json=values).raise_for_status().json()["Id"])

    def edit(self, path: str, **values: Any) -> None:
        """Change a record as a user."""
        self._client.patch(path, json=values).raise_for_status()

    def remove(self, path: str) -> None:
        """Remove a record as a user."""
        self._client.delete(path).raise_for_status()

    def fail(self, **fault: Any) -> None:
        """Order a fault."""
        self._client.post("/_admin/faults", json=fault).raise_for_status()

    def close(self) -> None:
        self._client.close()


@contextmanager
def contract_server() -> Iterator[ContractServer]:
    """Serve an empty Customerp until the block ends."""
    store = Store()
    config = uvicorn.Config(
        create_app(store, config=CustomerpConfig(token=TOKEN, admin=True)), port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    address = server.servers[0].sockets[0].getsockname()
    erp = ContractServer(f"http://127.0.0.1:{address[1]}")
    try:
        yield erp
    finally:
        erp.close()
        server.should_exit = True
        thread.join()
        store.close()
