"""What is hidden of people: metadata and logs are read by more persons than the two systems are."""

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from talk_assets.mappings.model import Mappings, Subject

# Subjects that are about people.
PERSONAL = {"person"}
# Types of property whose values tell who somebody is; a reference, a number or a choice does not.
_TELLING = {"text", "code", "email", "date", "list"}
_CUT = "•••"


def about_people(subject: Subject) -> frozenset[str]:
    """Names of the subject's properties whose values are hidden: canonical, and the systems' own."""
    if subject.subject not in PERSONAL:
        return frozenset()
    return frozenset(
        name
        for canonical, row in subject.properties.items()
        if row.type in _TELLING
        for name in (canonical, *(member.name for member in row.members.values()))
    )


def cut(value: str) -> str:
    """A value's first letter."""
    return value[:1] + _CUT if value else value


def masked(frame: pd.DataFrame, hidden: Collection[str], columns: Iterable[str]) -> pd.DataFrame:
    """The same rows, with values of hidden properties cut to their first letter.

    Args:
        frame: has a column `property`.
        hidden: names of properties, see `about_people`.
        columns: the columns that hold values.
    """
    personal = frame["property"].isin(list(hidden))
    short = {name: frame[name].where(~personal | frame[name].eq(""), frame[name].str[:1] + _CUT) for name in columns}
    return frame.assign(**short)


def masked_words(text: str, values: Iterable[Any]) -> str:
    """A sentence in which the given values are cut to their first letter."""
    # The longest first: a value can be part of another one.
    for value in sorted({str(value) for value in values if value}, key=len, reverse=True):
        # What is shorter is found in words that have nothing to do with it.
        if len(value) > 2:
            text = text.replace(value, cut(value))
    return text


def masked_reason(reason: str, mappings: Mappings) -> str:
    """Why something is held or owed, without what is quoted of a person's record."""
    entities = [entity for name in PERSONAL & set(mappings.subjects) for entity in mappings.subjects[name].entities]
    start, quote, quoted = reason.partition("'")
    quoted, end, rest = quoted.rpartition("'")
    if not end or not any(f"{entity}/" in reason for entity in entities):
        return reason
    return f"{start}{quote}{cut(quoted)}{end}{rest}"
