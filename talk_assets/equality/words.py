"""Differences in words: what is unequal, and what mends it."""

from collections.abc import Hashable, Mapping
from typing import Any

from talk_assets.equality.compare import Compared
from talk_assets.sync.equal import KEPT, ONE_WAY, UNREAD

# Reasons why values differ for good; all others pass.
LASTING = (KEPT, ONE_WAY)


def sentence(row: Mapping[Hashable, Any]) -> str:
    """What is unequal and what mends it.

    Args:
        row: an unexplained one of `Compared.differences`, its values as they are to be shown.
    """
    what = (
        f"{row['record']} and {row['other']} differ in {row['property']}: {_quoted(row['customerp'])} in Customerp, "
        f"{_quoted(row['exact'])} in Exact."
    )
    if row["why"] == UNREAD:
        return (
            f"{what} {row['unread']} changed it without telling so, and what is not told is read only with everything "
            "else: talk-assets sync --rescan, in Dagit the job rescan."
        )
    return (
        f"{what} Nothing is owed for it. To see how it came to be: talk-assets why {row['record']} {row['property']}; "
        "correct it in one of the systems, and the next sync carries it to the other one."
    )


def summary(compared: Compared) -> str:
    """What the comparison of a flow's pairs came to, without what is unequal."""
    if compared.hindrance:
        return f"Not compared: {compared.hindrance}"
    if not compared.linked:
        return "No pair is linked yet."
    unequal = len(compared.unexplained)
    # What differs for good is told by numbers only.
    explained = {why: count for why, count in counted(compared).items() if why not in LASTING}
    told = [
        f"{compared.compared:,} of {compared.linked:,} linked pairs were read from both systems: "
        + (
            f"{unequal:,} {'value differs' if unequal == 1 else 'values differ'} for no known reason."
            if unequal
            else "equal."
        )
    ]
    if explained:
        listed = ", ".join(f"{count:,} {why}" for why, count in explained.items())
        told.append(f"Different as it should be: {listed}.")
    if compared.gone:
        told.append(
            f"{len(compared.gone):,} no longer in their system: the next sync, or the next whole read, accounts for it."
        )
    return " ".join(told)


def counted(compared: Compared) -> dict[str, int]:
    """Why values differ that may, and how many each."""
    if compared.explained.empty:
        return {}
    return {str(why): int(count) for why, count in compared.explained["why"].value_counts().items()}


def _quoted(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) and value else "nothing"
