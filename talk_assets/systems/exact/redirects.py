"""Waiting on this machine for the browser that Exact sends back after a login."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6

import httpx

from talk_assets.errors import ConfigurationError, OrderRefused

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PAGE = (
    b"<!doctype html><html lang='en'><head><title>talk-assets</title></head><body><p>Received. What became of the "
    b"login is said where <code>talk-assets exact login</code> was started. This window can be closed.</p>"
    b"</body></html>"
)
# Browsers open connections that they may need later and send nothing on them.
_IDLE_SECONDS = 10


class Listener:
    """Receives one redirect.

    Args:
        address: the registered redirect address.

    Raises:
        ConfigurationError: nothing can listen there.
    """

    def __init__(self, address: httpx.URL) -> None:
        self._received: queue.SimpleQueue[str] = queue.SimpleQueue()
        port = address.port or 80
        # A name is bound as IPv4: that is what browsers come back to when nothing answers at the other.
        host = "127.0.0.1" if address.host == "localhost" else address.host
        try:
            self._server = _server(host, port, address.path, self._received)
        except OSError as error:
            raise ConfigurationError(
                f"EXACT_REDIRECT_URI: nothing can listen at {host}:{port}: {error.strerror}. End what uses the port, "
                "or give --paste."
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> str:
        """The path and query that the browser came back with.

        Raises:
            OrderRefused: nobody came in time.
        """
        try:
            return self._received.get(timeout=seconds)
        except queue.Empty:
            raise OrderRefused(
                f"Nobody came back from the login within {seconds:.0f} seconds. Run `talk-assets exact login` again; "
                "with --paste when the browser is on another machine."
            ) from None

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def is_local(redirect_uri: str) -> bool:
    """Whether a redirect can be received on this machine: over http only, as https needs a certificate.

    Raises:
        ConfigurationError: it is no address.
    """
    address = _parsed(redirect_uri)
    return address.scheme == "http" and address.host in _LOOPBACK


@contextmanager
def listening(redirect_uri: str) -> Iterator[Listener]:
    """Listen at a redirect address of this machine while the block runs.

    Raises:
        ConfigurationError: nothing can listen there.
    """
    listener = Listener(_parsed(redirect_uri))
    try:
        yield listener
    finally:
        listener.close()


def _parsed(redirect_uri: str) -> httpx.URL:
    try:
        address = httpx.URL(redirect_uri)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise ConfigurationError(
            "EXACT_REDIRECT_URI: not an http(s) address; write the app registration's, as https://localhost/callback"
        )
    return address


def _server(host: str, port: int, path: str, received: "queue.SimpleQueue[str]") -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_SECONDS

        def do_GET(self) -> None:
            """Take what comes to the registered path; a browser asks for its icon as well."""
            ours = self.path.partition("?")[0] == path
            self.send_response(200 if ours else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_PAGE) if ours else 0))
            self.send_header("Connection", "close")
            self.end_headers()
            if ours:
                self.wfile.write(_PAGE)
                received.put(self.path)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the address holds the code."""

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in host else AF_INET
        daemon_threads = True

    return Server((host, port), Handler)
