"""How the server says no."""

from collections.abc import Mapping


class Refused(Exception):
    """A call that is answered with an error.

    Args:
        status: HTTP status.
        message: text for the caller.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> Refused:
    """The call itself is wrong: malformed body, filter, key or option."""
    return Refused(400, message)


def rejected(message: str) -> Refused:
    """A business rule forbids it; Exact answers these with 500 and a readable text (Exact reference, errors)."""
    return Refused(500, message)


def forbidden(message: str, reason: str | None = None) -> Refused:
    """No rights, no access to the division, or the key of a record that is gone; `reason` becomes the Reason header."""
    return Refused(403, message, {"Reason": reason} if reason else None)


def not_found() -> Refused:
    """There is no such path or record."""
    return Refused(404, "Resource not found for the segment.")
