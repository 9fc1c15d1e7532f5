"""What is hidden of people: metadata and logs are read by more persons than the two systems are."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from talk_assets.mappings.model import Mappings, Subject
from talk_assets.settings import ShowPersonal

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


@dataclass(frozen=True)
class People:
    """What is shown of values that are about people.

    Attributes:
        shown: all of a value, its first letter, or only that there is one.
    """

    shown: ShowPersonal = "masked"

    def value(self, text: str) -> str:
        """A value as it is shown; its length is not."""
        if self.shown == "full" or not text:
            return text
        return (text[:1] if self.shown == "masked" else "") + _CUT

    def frame(self, rows: pd.DataFrame, hidden: Collection[str], columns: Iterable[str]) -> pd.DataFrame:
        """The same rows, with values of hidden properties as they are shown.

        Args:
            rows: has a column `property`.
            hidden: names of properties, see `about_people`.
            columns: the columns that hold values.
        """
        personal = rows["property"].isin(list(hidden))
        return rows.assign(
            **{name: rows[name].where(~personal, rows[name].map(self.value, na_action="ignore")) for name in columns}
        )

    def words(self, text: str, values: Iterable[Any]) -> str:
        """A sentence in which the given values are as they are shown."""
        # The longest first: a value can be part of another one.
        for value in sorted({str(value) for value in values if value}, key=len, reverse=True):
            # What is shorter is found in words that have nothing to do with it.
            if len(value) > 2:
                text = text.replace(value, self.value(value))
        return text

    def reason(self, text: str, mappings: Mappings) -> str:
        """Why something is held or owed; what is quoted of a person's record is as it is shown."""
        entities = [entity for name in PERSONAL & set(mappings.subjects) for entity in mappings.subjects[name].entities]
        start, quote, quoted = text.partition("'")
        quoted, end, rest = quoted.rpartition("'")
        if not end or not any(f"{entity}/" in text for entity in entities):
            return text
        return f"{start}{quote}{self.value(quoted)}{end}{rest}"
