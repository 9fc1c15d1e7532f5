"""What is hidden of people: metadata and logs are read by more persons than the two systems are."""

import re
from collections.abc import Collection, Iterable, Mapping
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
# A value as `repr` quotes it.
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


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
        return self.between(text) if any(f"{entity}/" in text for entity in entities) else text

    def write(self, write: Mapping[str, Any], mappings: Mappings) -> str:
        """Why a write was not done; what it says of people is as it is shown.

        Args:
            write: `entity`, `reason`, `values` under the names of its system.
            mappings: what is synchronised.
        """
        hidden = about_people(mappings.subject_of(str(write["entity"])))
        values = [value for name, value in write["values"].items() if name in hidden]
        return self.words(self.reason(str(write["reason"]), mappings), values)

    def held(self, hold: Mapping[Any, Any], mappings: Mappings) -> str:
        """Why a record is held; what is quoted of a person is as it is shown.

        Args:
            hold: `record` as `entity/key` (of a guard the entity alone), `property`, `value`, `reason`.
            mappings: what is synchronised.
        """
        text, value = str(hold["reason"]), f"'{hold['value']}'"
        entity = str(hold["record"]).partition("/")[0]
        if entity not in mappings.with_lines or hold["property"] not in about_people(mappings.subject_of(entity)):
            return self.reason(text, mappings)
        # What stands beside the value says what is wrong with it; another value that is quoted is the other side's.
        return text.replace(value, f"'{self.value(value[1:-1])}'") if value in text else self.between(text)

    def between(self, text: str) -> str:
        """A sentence about a person; what is between its quotes, which the value can have too, is as it is shown."""
        start, quote, quoted = text.partition("'")
        quoted, end, rest = quoted.rpartition("'")
        return f"{start}{quote}{self.value(quoted)}{end}{rest}" if end else text

    def quoted(self, text: str) -> str:
        """A sentence about a person; each value that is quoted as by `repr` is as it is shown."""
        return _QUOTED.sub(lambda found: f"{found[0][0]}{self.value(found[0][1:-1])}{found[0][-1]}", text)
