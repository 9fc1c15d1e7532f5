"""Faults on demand: answers that the server gives instead of, or after, doing what was asked."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from talk_assets.sandbox.exact.errors import bad_request


class Fault(BaseModel):
    """One fault.

    Attributes:
        path: regular expression searched in the request's path.
        method: HTTP method, None for any.
        status: of the answer; None answers as usual (for a delay alone).
        message: text of an answer in Exact's error shape.
        body: whole JSON or text body instead of that; with status 200 a stale or broken page.
        headers: of the answer.
        times: how often it strikes, None for ever.
        match: property values that the call's body, or the record it addresses, must have.
        after: whether the call is carried out before it is answered with the fault, as when an answer is lost.
        delay: seconds before the answer.
        hits: how often it has struck.
    """

    model_config = ConfigDict(extra="forbid")

    path: str = ""
    method: str | None = None
    status: int | None = Field(default=500, ge=200, le=599)
    message: str = "A problem has occurred."
    body: Any = None
    headers: dict[str, str] = {}
    times: int | None = Field(default=1, gt=0)
    match: dict[str, Any] = {}
    after: bool = False
    delay: float = Field(default=0.0, ge=0.0, le=600.0)
    hits: int = 0

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return path


class Faults:
    """The faults that are ordered at present, oldest first."""

    def __init__(self) -> None:
        self.ordered: list[Fault] = []

    def order(self, wish: Any) -> Fault:
        """Add a fault from JSON.

        Raises:
            Refused: 400, a field is unknown or wrong.
        """
        try:
            fault = Fault.model_validate(wish)
        except ValidationError as error:
            first = error.errors()[0]
            raise bad_request(f"fault: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        self.ordered.append(fault)
        return fault

    def strike(self, method: str, path: str, properties: Mapping[str, Any]) -> Fault | None:
        """The first fault that is due for a call, counted as struck; None when there is none."""
        for fault in self.ordered:
            due = fault.times is None or fault.hits < fault.times
            if (
                due
                and fault.method in (None, method)
                and re.search(fault.path, path)
                and all(properties.get(name) == value for name, value in fault.match.items())
            ):
                fault.hits += 1
                return fault
        return None
