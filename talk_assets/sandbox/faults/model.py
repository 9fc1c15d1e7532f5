"""A fault: which calls it strikes, and what becomes of them."""

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

System = Literal["customerp", "exact"]
SYSTEMS: tuple[System, ...] = ("customerp", "exact")
Effect = Literal[
    "answer",
    "cut",
    "truncated_page",
    "short_page",
    "repeated_page",
    "stale_page",
    "empty_page",
    "missing_property",
    "overlaid_page",
    "edited_meanwhile",
    "revoked_token",
    "revoked_login",
]
# Effects that change what a list answers; the second kind gives an earlier answer once more.
PAGES: tuple[Effect, ...] = ("truncated_page", "short_page", "empty_page", "missing_property", "overlaid_page")
AGAIN: tuple[Effect, ...] = ("repeated_page", "stale_page")


class Fault(BaseModel):
    """One fault.

    Attributes:
        fault: the name that it was ordered by, see `names`.
        path: regular expression searched in the request's path.
        method: regular expression for the whole HTTP method, None for any.
        match: property values that the call's body, or the record it addresses, must have.
        skip: how many calls that fit go well before it strikes.
        times: how often it strikes, None for ever.
        hits: how often it has struck.
        effect: what becomes of a call: `answer`, it is answered with the fields below instead of, or `after`, being
            carried out; `cut`, the connection ends without an answer; `truncated_page`, the JSON of a list ends in its
            middle; `short_page`, half of the records and no further page; `repeated_page`, the page before once more;
            `stale_page`, what the same address answered before; `empty_page`, no records; `missing_property`,
            `properties` are absent from all records; `overlaid_page`, all records show `values`, such as properties or
            codes that nobody knows; `edited_meanwhile`, somebody else changes the record to `values` right before;
            `revoked_token`, Exact's access tokens end, `revoked_login`, also the refresh tokens.
        status: of the answer; None answers as usual (for a delay alone).
        message: text of an answer in the system's error shape.
        body: whole JSON or text body instead of that; with status 200 a stale or broken page.
        headers: of the answer.
        limit: with 429, which of Exact's limits the headers name as spent.
        after: whether the call is carried out before it is answered with the fault, as when an answer is lost.
        delay: seconds before the answer.
        properties: those that go missing.
        values: what somebody else writes, or what records show instead of what they hold.
    """

    model_config = ConfigDict(extra="forbid")

    fault: str | None = None
    path: str = ""
    method: str | None = None
    match: dict[str, Any] = {}
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, gt=0)
    hits: int = 0
    effect: Effect = "answer"
    status: int | None = Field(default=500, ge=200, le=599)
    message: str = "A problem has occurred."
    body: Any = None
    headers: dict[str, str] = {}
    limit: Literal["minute", "day"] | None = None
    after: bool = False
    delay: float = Field(default=0.0, ge=0.0, le=600.0)
    properties: list[str] = []
    values: dict[str, Any] = {}
    _passed: int = PrivateAttr(default=0)
    _answers: dict[str, bytes] = PrivateAttr(default_factory=dict)

    @field_validator("path", "method")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.properties) != (self.effect == "missing_property"):
            raise ValueError("`properties` go with the effect missing_property, and with no other")
        if bool(self.values) != (self.effect in ("edited_meanwhile", "overlaid_page")):
            raise ValueError("`values` go with the effects edited_meanwhile and overlaid_page, and with no other")
        if self.limit is not None and self.status != 429:
            raise ValueError("`limit` goes with the status 429")
        return self

    @property
    def carried_out(self) -> bool:
        """Whether a call that it strikes is carried out all the same."""
        if self.effect == "answer":
            return self.status is None or self.after
        if self.effect == "cut":
            return self.after
        return not self.effect.startswith("revoked")

    def strikes(self, method: str, path: str, properties: dict[str, Any]) -> bool:
        """Whether it is due for a call; the calls that it lets pass, and those that it strikes, are counted."""
        fits = (
            (self.times is None or self.hits < self.times)
            and (self.method is None or re.fullmatch(self.method, method) is not None)
            and (method == "GET" or self.effect not in (*PAGES, *AGAIN))
            and re.search(self.path, path) is not None
            and all(properties.get(name) == value for name, value in self.match.items())
        )
        if not fits:
            return False
        self._passed += 1
        if self._passed <= self.skip:
            return False
        # An answer can only be given again once there is one.
        self.hits += self.effect not in AGAIN
        return True

    def earlier(self, place: str, answer: bytes) -> bytes:
        """The answer that was given at this place before; the first one is kept and given as it is."""
        if place in self._answers:
            self.hits += 1
        return self._answers.setdefault(place, answer)
