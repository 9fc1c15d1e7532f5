"""Answers of the API before they become JSON or XML."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_assets.sandbox.exact.model import EntitySet
from talk_assets.sandbox.exact.reading import Call
from talk_assets.sandbox.exact.render import renderer


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        content: what goes into `d`, or plain text; None for no body.
        headers: of the answer.
        finish: does what has to be waited for, and gives the answer in the place of this one.
    """

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: "Callable[[], Awaitable[Answer]] | None" = None

    async def finished(self) -> "Answer":
        """This answer, after all that has to be waited for."""
        return self if self.finish is None else await self.finish()


def created(call: Call, entity_set: EntitySet, key: str, *, full: bool) -> Answer:
    """The answer to a POST that made a record; `full` shows it whole instead of its key alone."""
    show = renderer(call.state.reader(), entity_set, "ordinary", call.root, int64_as_text=call.config.int64_as_text)
    content = show.row(call.state.get(entity_set.name, key)) if full else show.bare(key)
    return Answer(201, content, {"Location": show.address(key)})
