"""From page to page of a list, in each style that a profile can name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_assets.errors import UnexpectedAnswer
from talk_assets.systems.customerp.client import Answer, CustomerpClient
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.formats import text_of
from talk_assets.systems.customerp.json_exact import MISSING, get
from talk_assets.systems.customerp.sections import (
    Cursor,
    Envelope,
    LinkHeader,
    NextUrl,
    Offset,
    OnePage,
    PageNumber,
    Paging,
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        items: the records as the ERP gives them.
        token: the token for the next reading, where the ERP gives one.
        total: how many records there are, where the ERP says so.
    """

    items: list[Any]
    token: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class _Step:
    """How the next page is asked for: at an address of its own, or by other parameters; `mark` names the page."""

    mark: str
    url: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """Reads lists.

    Attributes:
        client: sends the requests.
        paging: the profile's style of paging.
        source: the profile's name, for errors.
    """

    client: CustomerpClient
    paging: Paging
    source: str

    @property
    def shifts(self) -> bool:
        """Whether a change during the reading can move records from one page to another."""
        return isinstance(self.paging, PageNumber | Offset)

    def pages(
        self, path: str, query: Mapping[str, str], envelope: Envelope, doing: str, *, one: bool = False
    ) -> Iterator[Page]:
        """All pages, the first one first.

        Args:
            path: of the list, with its base path.
            query: added to the path.
            envelope: what is around the records.
            doing: what is attempted, for errors.
            one: the path names a record that may be gone: the one that the list belongs to.

        Raises:
            RecordChanged: that record is gone.
            UnexpectedAnswer: an answer is no list, or a page or its successor's name comes a second time.
            AccessDenied, SystemUnavailable: see `CustomerpClient.get`.
        """
        asked, url = {**query, **self._first()}, path
        marks = (
            {asked[self.paging.parameter]}
            if isinstance(self.paging, Cursor) and self.paging.parameter in asked
            else set()
        )
        before: list[Any] = []
        number = read = 0
        while True:
            answer = self.client.get(url, asked, doing, one=one)
            page = self._page(answer, envelope, doing)
            if page.items and page.items == before:
                raise self._unmoved(doing, "the same page came twice")
            yield page
            before, number, read = page.items, number + 1, read + len(page.items)
            step = self._step(answer, page, number, read, envelope)
            if step is None:
                return
            if step.mark in marks:
                raise self._unmoved(doing, "the next page is one that was already read")
            marks.add(step.mark)
            asked, url = ({}, step.url) if step.url is not None else ({**asked, **step.query}, path)

    def _first(self) -> dict[str, str]:
        paging = self.paging
        if isinstance(paging, OnePage):
            return {}
        size = {paging.size_parameter: str(paging.size)} if paging.size_parameter is not None else {}
        if isinstance(paging, PageNumber):
            return {**size, paging.parameter: str(paging.first)}
        if isinstance(paging, Offset):
            return {**size, paging.parameter: "0"}
        return size

    def _step(self, answer: Answer, page: Page, number: int, read: int, envelope: Envelope) -> _Step | None:
        paging = self.paging
        if isinstance(paging, OnePage):
            return None
        if isinstance(paging, LinkHeader):
            return _at(answer, answer.links.get("next"))
        if isinstance(paging, PageNumber | Offset):
            if not page.items or (page.total is not None and read >= page.total):
                return None
            if page.total is None and paging.ends == "short" and len(page.items) < paging.size:
                return None
            place = str(paging.first + number if isinstance(paging, PageNumber) else read)
            return _Step(place, query={paging.parameter: place})
        told = _told(answer.body, envelope.next)
        if isinstance(paging, NextUrl) or not told:
            return _at(answer, told)
        return _Step(told, query={paging.parameter: told})

    def _page(self, answer: Answer, envelope: Envelope, doing: str) -> Page:
        items = get(answer.body, envelope.items)
        if not isinstance(items, list):
            place = f"in {envelope.items}" if envelope.items else "as the whole answer"
            raise UnexpectedAnswer(
                SYSTEM,
                f"{doing}: expected a list {place}, got {'nothing' if items is MISSING else type(items).__name__}; "
                f"correct envelope.items in {self.source}",
                status=answer.status,
            )
        total = _told(answer.body, envelope.total)
        if envelope.total is not None and (total is None or not total.isdecimal()):
            raise UnexpectedAnswer(
                SYSTEM,
                f"{doing}: expected the number of records in {envelope.total}, got {total or 'nothing'}; correct "
                f"envelope.total in {self.source}",
                status=answer.status,
            )
        return Page(items, _told(answer.body, envelope.token), int(total) if total is not None else None)

    def _unmoved(self, doing: str, problem: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            SYSTEM, f"{doing}: {problem}, so the list has no end; correct `paging` in {self.source} or the ERP"
        )


def _told(body: Any, path: str | None) -> str | None:
    """What an answer says at a place, as text; None when it says nothing there."""
    if path is None:
        return None
    value = text_of(get(body, path))
    return value if isinstance(value, str) and value else None


def _at(answer: Answer, address: str | None) -> _Step | None:
    if not address:
        return None
    url = str(answer.url.join(address))
    return _Step(url, url=url)
