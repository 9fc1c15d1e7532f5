"""How the server says no: problem details of RFC 9457."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

# Python calls it by its older name.
_TITLES = {422: "Unprocessable Content"}
Fault = tuple[str, str]  # property and what is wrong with it


class Problem(Exception):
    """A call that is answered with an error.

    Args:
        status: HTTP status.
        detail: what was wrong this time.
        errors: with 422, the properties at fault.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, detail: str, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        body: dict[str, object] = {
            "type": "about:blank",
            "title": _TITLES.get(self.status, HTTPStatus(self.status).phrase),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [{"property": name, "detail": detail} for name, detail in self.errors]
        return body


def bad_request(detail: str) -> Problem:
    """The request cannot be understood."""
    return Problem(400, detail)


def not_found(entity: str, key: str) -> Problem:
    """There is no such record, or no more."""
    return Problem(404, f"There is no {entity} {key}.")


def invalid(entity: str, errors: Sequence[Fault]) -> Problem:
    """The record is refused; names every property at fault."""
    return Problem(422, f"The {entity} was not saved.", errors)
