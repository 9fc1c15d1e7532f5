"""Between the ERP's JSON objects and the records and values of `talk_assets.systems.base`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from talk_assets.errors import RecordRejected, UnexpectedAnswer
from talk_assets.systems.base import Record, Values
from talk_assets.systems.customerp.dialect import SYSTEM, Dialect, Shape
from talk_assets.systems.customerp.formats import Codecs, ValueCodec, storable, text_of, utc_text
from talk_assets.systems.customerp.json_exact import MISSING, get, put
from talk_assets.systems.customerp.profile import KEY

_LARGEST_PLACE = 2**31 - 1  # that the ledger stores


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    path: str
    codec: ValueCodec


class Translator:
    """Translates the records or lines of one shape.

    Args:
        shape: names and types.
        codecs: the profile's JSON values.
    """

    def __init__(self, shape: Shape, codecs: Codecs) -> None:
        self.shape = shape
        self._times = codecs.times
        self._codecs = {name: codecs.of(kind) for name, kind in shape.kinds.items()}
        self._read = [_Column(name, shape.names[name], self._codecs[name]) for name in shape.wanted]

    def key_of(self, raw: Any) -> str:
        """The key of a record or line.

        Raises:
            UnexpectedAnswer: it is no object or has no key.
        """
        key = text_of(get(raw, self.shape.key)) if isinstance(raw, dict) else MISSING
        if not isinstance(key, str) or not key:
            seen = "no object" if not isinstance(raw, dict) else f"an object with {', '.join(sorted(raw)) or 'nothing'}"
            raise UnexpectedAnswer(
                SYSTEM, f"{self.shape.entity}: expected a record with its key in {self.shape.key}, got {seen}"
            )
        return storable(key)

    def version_of(self, raw: Any, etag: str | None) -> str | None:
        """The version of a record: what it names itself, else its entity tag."""
        found = get(raw, self.shape.version) if self.shape.version is not None else None
        return etag if found is None or found is MISSING else storable(str(text_of(found)))

    def record(self, raw: Any, etag: str | None = None) -> Record:
        """A record under the contract's names."""
        record: Record = {"_key": self.key_of(raw), "_modified": None, "_version": self.version_of(raw, etag)}
        if self.shape.modified is not None:
            moment = self._times.read(get(raw, self.shape.modified))
            record["_modified"] = utc_text(moment) if moment else None
        self._properties(raw, record)
        return record

    def line(self, raw: Any, document: str, place: int) -> Record:
        """A line under the contract's names; `place` (from 1) is its position when the line itself names none."""
        position = get(raw, self.shape.position) if self.shape.position is not None and isinstance(raw, dict) else None
        record: Record = {
            "_key": line_key(document, self.key_of(raw)),
            "_modified": None,
            "_version": None,
            "_document": document,
            "_position": _place(position, place),
        }
        self._properties(raw, record)
        return record

    def put_values(self, target: dict[str, Any], values: Values) -> dict[str, Any]:
        """Set the named properties, and no others, in an object of the ERP's; returns that object.

        Raises:
            RecordRejected: a value is not of its property's type, or the entity has no such property.
        """
        for name, text in values.items():
            if name not in self.shape.names:
                raise RecordRejected(
                    SYSTEM,
                    f"{self.shape.entity} has no property {name}; correct the mapping or the capabilities",
                    property_name=name,
                )
            put(target, self.shape.names[name], None if text is None else self._encoded(name, text))
        return target

    def wire_key(self, key: str) -> Any:
        """A key as the ERP writes it in JSON."""
        return self._encoded(KEY, key)

    def contract_name(self, told: str) -> str | None:
        """The contract's name of a property that the ERP names in a refusal; None when it is none of ours."""
        last = told.rpartition("].")[2]
        for name, path in self.shape.names.items():
            if path in (last, told):
                return name
        return None

    def _encoded(self, name: str, text: str) -> Any:
        try:
            return self._codecs[name].encode(text)
        except ValueError as error:
            raise RecordRejected(
                SYSTEM,
                f"{self.shape.entity} {name}: '{text}' cannot be sent as {self.shape.kinds[name]}: {error}",
                property_name=name,
            ) from None

    def _properties(self, raw: Mapping[str, Any], record: Record) -> None:
        for column in self._read:
            value = get(raw, column.path)
            if value is not MISSING:
                record[column.name] = None if value is None else column.codec.decode(value)


def line_key(document: str, own: str) -> str:
    """A line's key on the platform: many an ERP numbers the lines of every document from 1."""
    return f"{document}/{own}"


def own_line_key(document: str, key: str) -> str:
    """A line's key within its document, as the ERP knows it."""
    return key.removeprefix(f"{document}/")


def _place(position: Any, otherwise: int) -> int:
    try:
        number = Decimal(position)
    except (TypeError, ValueError, InvalidOperation):
        return otherwise
    return int(number) if number.is_finite() and abs(number) <= _LARGEST_PLACE else otherwise


class DocumentTranslator:
    """Translates records of one entity together with their lines, when it has lines."""

    def __init__(self, dialect: Dialect, codecs: Codecs) -> None:
        self.dialect = dialect
        self.head = Translator(dialect.shape, codecs)
        self.line = Translator(dialect.line, codecs) if dialect.line is not None else None

    @property
    def line_part(self) -> Translator:
        """The translator of the lines; TypeError for an entity without lines."""
        if self.line is None:
            raise TypeError(f"{self.dialect.entity} has no lines")
        return self.line

    def lines(self, raw_lines: Sequence[Any], document: str) -> list[Record]:
        """Lines as the ERP gives them to line records, by position."""
        found = [self.line_part.line(raw, document, place) for place, raw in enumerate(raw_lines, start=1)]
        return sorted(found, key=lambda record: int(record["_position"]))

    def lines_if_there(self, raw: Any, document: str) -> list[Record] | None:
        """The lines inside a document; None when it holds none or its entity has none."""
        lines = self.dialect.lines
        found = get(raw, lines.array) if lines is not None else None
        return self.lines(found, document) if isinstance(found, list) else None

    def raw_lines(self, raw: Any) -> list[Any]:
        """The lines inside a document as the ERP gives them; null says that there are none.

        Raises:
            UnexpectedAnswer: the document has no list of lines.
        """
        lines = self.dialect.lines
        found = get(raw, lines.array) if lines is not None else []
        if found is None:
            return []
        if not isinstance(found, list):
            raise UnexpectedAnswer(
                SYSTEM,
                f"{self.dialect.entity} {self.head.key_of(raw)}: expected its lines as a list, got "
                f"{'nothing' if found is MISSING else type(found).__name__}; correct lines.array in the profile",
            )
        return found

    def contract_name(self, told: str) -> str | None:
        """The contract's name of a property of the record or its lines that the ERP names in a refusal."""
        own = self.head.contract_name(told)
        return self.line.contract_name(told) if own is None and self.line is not None else own
