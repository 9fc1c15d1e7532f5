"""How a local Customerp behaves."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CustomerpConfig:
    """Settings of one server.

    Attributes:
        token: the bearer token that callers must show.
        page_size: items on a page when the caller names no limit.
        largest_page: the highest limit that a caller may name.
        full_page: items on a page at most, whatever limit a caller names.
        admin: whether `/_admin` exists, with which tests and people edit records and order faults.
    """

    token: str = field(repr=False)
    page_size: int = 500
    largest_page: int = 1000
    full_page: int = 1000
    admin: bool = False
