"""Records as Exact sends them: verbose JSON with `__metadata`, deferred or expanded lines, null for what is empty."""

from collections.abc import Callable
from typing import Any

from talk_assets.sandbox.exact.model import SETS, EntitySet, Family
from talk_assets.sandbox.exact.reader import Derive, Reader, derived
from talk_assets.sandbox.exact.unfilled import unfilled
from talk_assets.sandbox.exact.values import encoder, padding
from talk_assets.sandbox.store import Stored

Json = dict[str, Any]
NAMESPACE = "Exact.Web.Api.Models."
_WRITE_ONLY = "Picture"  # reads have PictureUrl instead (Exact reference, Contacts and Items)


class Renderer:
    """Turns records of one set into JSON objects.

    Args:
        reader: what the computed values are read with.
        entity_set: the set.
        family: which of its properties are there to be shown.
        root: address of the division, ending without a slash (`https://host/api/v1/123`).
        select: properties to show, None for all.
        expand: the collections that are shown in place of a link to them.
        lines: what renders the lines of a document where they are expanded, else None.
        int64_as_text: whether Int64 values are sent as text.
    """

    def __init__(
        self,
        reader: Reader,
        entity_set: EntitySet,
        family: Family,
        root: str,
        select: tuple[str, ...] | None = None,
        *,
        expand: frozenset[str] = frozenset(),
        lines: "Renderer | None" = None,
        int64_as_text: bool = False,
    ) -> None:
        self._reader = reader
        self._set = entity_set
        self._root = root
        self._expand = expand
        self._lines = lines
        visible = entity_set.visible(family)
        names = visible if select is None else select
        computed, shown = derived(entity_set.name), unfilled(entity_set.name)
        self._empty: Json = {}
        self._kept: dict[str, Callable[[Any], Any] | None] = {}
        self._computed: list[tuple[str, Derive, Callable[[Any], Any] | None]] = []
        self._collections: list[str] = []
        for name in names:
            prop = visible[name]
            if prop.is_collection:
                self._collections.append(name)
                continue
            self._empty[name] = shown.get(name)
            finish = padding(entity_set.name, name)
            if prop.type in ("DateTime", "Int64"):
                finish = encoder(prop.type, int64_as_text=int64_as_text)
            if name == _WRITE_ONLY:
                continue
            if name in computed:
                self._computed.append((name, computed[name], finish))
            else:
                self._kept[name] = finish

    def row(self, record: Stored) -> Json:
        """A record as a JSON object."""
        shown: Json = {"__metadata": self._metadata(record.key)}
        shown.update(self._empty)
        kept = self._kept
        for name, value in record.body.items():
            if name in kept:
                finish = kept[name]
                shown[name] = value if finish is None else finish(value)
        for name, compute, finish in self._computed:
            value = compute(self._reader, record)
            shown[name] = value if value is None or finish is None else finish(value)
        for name in self._collections:
            shown[name] = self._collection(record, name)
        return shown

    def bare(self, key: str) -> Json:
        """The echo of a POST without `Prefer: return=representation`: only the key is filled."""
        shown: Json = {"__metadata": self._metadata(key)}
        shown.update(dict.fromkeys(self._empty))
        shown[self._set.key] = key
        for name in self._collections:
            shown[name] = self._deferred(key, name)
        return shown

    def address(self, key: str) -> str:
        """The address of a record."""
        return f"{self._root}/{self._set.path}(guid'{key}')"

    def _metadata(self, key: str) -> Json:
        return {"uri": self.address(key), "type": NAMESPACE + self._set.type_name}

    def _deferred(self, key: str, name: str) -> Json:
        return {"__deferred": {"uri": f"{self.address(key)}/{name}"}}

    def _collection(self, record: Stored, name: str) -> Json:
        if name not in self._expand:
            return self._deferred(record.key, name)
        if self._lines is None or name != self._set.lines:
            return {"results": []}
        return {"results": [self._lines.row(line) for line in self._reader.lines(record)]}


def renderer(
    reader: Reader,
    entity_set: EntitySet,
    family: Family,
    root: str,
    *,
    select: tuple[str, ...] | None = None,
    expand: frozenset[str] = frozenset(),
    line_select: tuple[str, ...] | None = None,
    int64_as_text: bool = False,
) -> Renderer:
    """A renderer of a set, with one for its lines when they are expanded."""
    lines = None
    if entity_set.lines is not None and entity_set.lines in expand:
        lines = Renderer(reader, SETS[entity_set.lines], family, root, line_select, int64_as_text=int64_as_text)
    return Renderer(
        reader, entity_set, family, root, select, expand=expand, lines=lines, int64_as_text=int64_as_text
    )  # fmt: skip


def plain_row(
    entity_set: EntitySet, values: Json, uri: str, select: tuple[str, ...] | None, *, int64_as_text: bool
) -> Json:
    """A row of what is not kept in the store (Me, Divisions, Deleted): all properties, null where not given."""
    shown: Json = {"__metadata": {"uri": uri, "type": NAMESPACE + entity_set.type_name}}
    for name in entity_set.properties if select is None else select:
        value = values.get(name)
        encode = encoder(entity_set.properties[name].type, int64_as_text=int64_as_text)
        shown[name] = None if value is None else encode(value)
    return shown
