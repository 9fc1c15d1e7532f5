"""Which records of an entity take part, and for which of them the entity is written."""

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Condition(BaseModel):
    """What a property has to hold. One of the three is given; texts are compared as they are, without regard to case.

    Attributes:
        name: the system's own property in a filter for reading, the shared property in one for writing.
        equals: one of these texts.
        differs: none of these texts; an empty property differs from all of them.
        filled: whether there has to be a value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    equals: list[str] | None = Field(default=None, min_length=1)
    differs: list[str] | None = Field(default=None, min_length=1)
    filled: bool | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Condition":
        if sum(wish is not None for wish in (self.equals, self.differs, self.filled)) != 1:
            raise ValueError(f"the filter on {self.name} needs one of `equals`, `differs` and `filled`")
        return self

    def holds(self, value: str) -> bool:
        """Whether a property with this text, '' for none, meets the condition."""
        text = value.strip().casefold()
        if self.filled is not None:
            return bool(text) == self.filled
        if self.equals is not None:
            return text in map(str.casefold, self.equals)
        return text not in map(str.casefold, self.differs or [])


class Filters(BaseModel):
    """Filters of one entity; each is a list of conditions that must all hold.

    Attributes:
        read: a record that does not meet them takes no part: nothing is taken from it, it is not written, and nothing
            is created from it. One that was linked before stays linked and is left alone.
        write: the entity is written only for clusters whose agreed values meet them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: list[Condition] = []
    write: list[Condition] = []
