"""What an entity of a system can take: which properties it has, of which type, and when they can be written.

Each system declares its entities in one YAML file beside its connector; planning respects the declaration, so that
nothing has to be found out by a failed call.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ValueType = Literal["string", "integer", "decimal", "boolean", "date", "datetime", "guid"]
Writable = Literal["always", "create", "never"]


class PropertyCapability(BaseModel):
    """One property of an entity, under the system's own name.

    `write` says when it can be sent: `always`, only on `create` (fixed afterwards), or `never` (read-only, computed).
    `max_length` counts characters. `required` means that a create without it is refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: ValueType = "string"
    write: Writable = "always"
    max_length: int | None = Field(default=None, gt=0)
    required: bool = False


class EntityCapability(BaseModel):
    """One entity of a system.

    `key` names the property that identifies a record. A document names its `lines` entity, a line entity names its
    `document` entity and the property that points to it (`document_key`). `requires_lines`: a document without lines
    is refused. `read_only` gives the reason why the system takes no writes at all; None when it does.
    `any_of`: groups of properties of which at least one must have a value on create. `no_delete` gives the reason why
    the system deletes no records of the entity; None when it does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    properties: dict[str, PropertyCapability]
    lines: str | None = None
    document: str | None = None
    document_key: str | None = None
    requires_lines: bool = False
    read_only: str | None = None
    any_of: list[list[str]] = []
    no_delete: str | None = None


# Entity name (`exact.accounts`) to what it can take, over all systems.
Capabilities = dict[str, EntityCapability]
