"""How one entity is spoken: a profile's general settings with the entity's own put over them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from talk_assets.errors import ConfigurationError
from talk_assets.mappings.capabilities import Capabilities, ValueType
from talk_assets.mappings.source import suggestion
from talk_assets.systems.customerp.profile import (
    KEY,
    MODIFIED,
    VERSION,
    EntityProfile,
    Profile,
    overlay,
)
from talk_assets.systems.customerp.sections import (
    Changes,
    Create,
    Delete,
    EntityName,
    Envelope,
    Lines,
    Update,
    WireType,
)

SYSTEM = "customerp"
POSITION = "Position"
_LISTS: dict[EntityName, str] = {
    "customer": "/customers",
    "contact": "/contacts",
    "employee": "/employees",
    "product": "/products",
    "quote": "/quotes",
    "order": "/orders",
}
_KINDS: dict[WireType, ValueType] = {
    "text": "string",
    "integer": "integer",
    "decimal": "decimal",
    "boolean": "boolean",
}
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "contract": lambda name: name,
    "camel_case": lambda name: name[:1].lower() + name[1:],
    "snake_case": lambda name: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Names and types of a kind of record or line.

    Attributes:
        entity: `customerp.customer`.
        key: the ERP's name of the key.
        modified: of the time of change; None when a record has none.
        version: of the version; None when a record has none.
        position: of a line's place; None when it has none.
        names: contract name to the ERP's, of every property of the entity.
        kinds: contract name to the type in JSON.
        wanted: contract names that records are read with.
    """

    entity: str
    key: str
    modified: str | None
    version: str | None
    position: str | None
    names: Mapping[str, str]
    kinds: Mapping[str, ValueType]
    wanted: Sequence[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of record is read and written; the paths hold `{key}` where they need it.

    `lines` and `line` are None for records without lines.
    """

    shape: Shape
    list: str
    one: str
    create: Create
    update: Update
    delete: Delete
    query: Mapping[str, str]
    envelope: Envelope
    changes: Changes
    lines: Lines | None
    line: Shape | None

    @property
    def entity(self) -> str:
        """The entity, as `customerp.customer`."""
        return self.shape.entity

    @property
    def line_apart(self) -> Shape | None:
        """The lines' shape, when lines are written at paths of their own."""
        return self.line if self.lines is not None and self.lines.write == "path" else None

    @property
    def line_envelope(self) -> Envelope:
        """What is around lines at paths of their own."""
        return overlay(self.envelope, self.lines.envelope if self.lines is not None else None)

    def path_of(self, key: str, path: str | None = None) -> str:
        """The path of one record; `path` is another one than that of reading it."""
        return _filled(path or self.one, key=key)

    def lines_path(self, document: str) -> str:
        """The path of a document's lines, when they have one."""
        return _filled(self.lines.path, document=document) if self.lines is not None else ""

    def line_path(self, document: str, key: str) -> str:
        """The path of one line, when it has one."""
        return _filled(self.lines.one, document=document, key=key) if self.lines is not None else ""


def _filled(path: str, **values: str) -> str:
    """A path with its placeholders filled in, each quoted so that a key cannot become another path."""
    return path.format(**{name: quote(value, safe="") for name, value in values.items()})


def dialects(
    profile: Profile, capabilities: Capabilities, wanted: Mapping[str, Sequence[str]] | None
) -> dict[str, Dialect]:
    """How each of Customerp's entities is spoken, by entity; lines are found with their documents.

    Args:
        profile: the connector profile.
        capabilities: what the entities can take; those of other systems are left out.
        wanted: entity to the contract's names that are read; an entity that is not named is read whole.

    Raises:
        ConfigurationError: the profile names a property that the capabilities do not have.
    """
    resolver = _Resolver(profile, capabilities, wanted or {})
    return {f"{SYSTEM}.{name}": resolver.dialect(name) for name in _LISTS if f"{SYSTEM}.{name}" in capabilities}


@dataclass(frozen=True, slots=True)
class _Resolver:
    profile: Profile
    capabilities: Capabilities
    wanted: Mapping[str, Sequence[str]]

    def dialect(self, name: EntityName) -> Dialect:
        profile, own = self.profile, self._own(name)
        base, listed = profile.base_path, own.list or _LISTS[name]
        one = base + (own.one or f"{listed.rstrip('/')}/{{key}}")
        create = overlay(profile.create, own.create)
        update = overlay(profile.update, own.update)
        delete = overlay(profile.delete, own.delete)
        has_lines = self.capabilities[f"{SYSTEM}.{name}"].lines is not None
        return Dialect(
            shape=self._record(name),
            list=base + listed,
            one=one,
            create=create.model_copy(update={"path": base + (create.path or listed)}),
            update=update.model_copy(update={"path": base + update.path if update.path else one}),
            delete=delete.model_copy(update={"path": base + delete.path if delete.path else one}),
            query=own.query,
            envelope=overlay(profile.envelope, own.envelope),
            changes=own.changes or profile.changes,
            lines=self._lines(name, one) if has_lines else None,
            line=self._line(name) if has_lines else None,
        )

    def _record(self, name: EntityName) -> Shape:
        own = self._own(name)
        modified, version = own.modified or self.profile.modified, own.version or self.profile.version
        special = {KEY: own.key or self.profile.key, MODIFIED: modified, VERSION: version}
        return self._shape(name, special, modified=modified, version=version, position=None)

    def _lines(self, name: EntityName, one: str) -> Lines:
        """The lines' settings, with the document's path put into their paths."""
        lines = overlay(self.profile.lines, self._own(name).lines)
        document = one.replace("{key}", "{document}")
        base = self.profile.base_path
        paths = {
            setting: path.replace("{one}", document) if path.startswith("{one}") else base + path
            for setting, path in (("path", lines.path), ("one", lines.one))
        }
        return lines.model_copy(update=paths)

    def _line(self, document: EntityName) -> Shape:
        lines = overlay(self.profile.lines, self._own(document).lines)
        name: EntityName = "quote_line" if document == "quote" else "order_line"
        special = {KEY: lines.key, POSITION: lines.position}
        return self._shape(name, special, modified=None, version=None, position=lines.position)

    def _shape(
        self,
        name: EntityName,
        special: Mapping[str, str | None],
        *,
        modified: str | None,
        version: str | None,
        position: str | None,
    ) -> Shape:
        entity, own = f"{SYSTEM}.{name}", self._own(name)
        properties = self.capabilities[entity].properties
        for setting, given in (("names", own.names), ("types", own.types)):
            unknown = [known for known in given if known not in properties]
            if unknown:
                raise ConfigurationError(
                    f"{self.profile.source}: entities.{name}.{setting}: {entity} has no property {unknown[0]}; "
                    f"{suggestion(unknown[0], properties)}"
                )
        spell = _SPELLINGS[self.profile.spelling]
        names = {known: special.get(known, own.names.get(known) or spell(known)) for known in properties}
        kinds = {known: capability.type for known, capability in properties.items()}
        return Shape(
            entity=entity,
            key=special[KEY] or KEY,
            modified=modified,
            version=version,
            position=position,
            names={known: told for known, told in names.items() if told is not None},
            kinds=kinds | {known: _KINDS[kind] for known, kind in own.types.items()},
            wanted=[known for known in self.wanted.get(entity, properties) if names.get(known) is not None],
        )

    def _own(self, name: EntityName) -> EntityProfile:
        return self.profile.entities.get(name, EntityProfile())
