"""What a system's own value means, and what an entity can hold of it, by the words of the document.

Worked out value by value in plain Python and not by `talk_assets.sync`: the checklist is to notice when that is wrong.
"""

import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from talk_assets.mappings.capabilities import PropertyCapability
from talk_assets.mappings.model import Comparison, MemberProperty, Property

# Decimals of a number where the mapping says nothing, and the most that are sent of one in other units.
_PLACES, _FINEST = 4, Decimal("0.000001")
_NO_LIMIT = ("text", "reference", "choice")
_CASELESS = ("email", "country", "currency")
# What stands before a code that the value map does not have, so that it equals nothing.
UNKNOWN = "unknown code "


def meaning(value: object, row: Property, member: MemberProperty) -> str:
    """The shared text of a system's own value; '' for none.

    Args:
        value: as a connector reads it, or as a person types it.
        row: the property.
        member: how the entity holds it.
    """
    text = _text(value)
    if not text:
        return ""
    if member.values is not None:
        return member.values.get(text, f"{UNKNOWN}{text}")
    if row.type == "decimal":
        text = _number(text, member.factor, _PLACES if row.scale is None else row.scale)
    elif row.type == "integer":
        text = _number(text, None, 0)
    elif row.type in ("country", "currency"):
        text = text.upper()
    elif row.type == "boolean":
        text = text.lower()
    elif row.type == "date":
        text = text[:10]
    elif row.type == "list":
        text = "\n".join(items(text, member.mark))
    return "" if text in member.empty else text


def own_form(shared: str, row: Property, member: MemberProperty, able: PropertyCapability) -> str | None:
    """The own text in which an entity holds a shared value; None where it cannot take it, '' for no value.

    A text is shortened to what the entity takes. A code, an address or another value that is too long is not.
    """
    if not shared:
        return ""
    if member.values is not None:
        return next((code for code, means in member.values.items() if means == shared), None)
    if member.only_digits and not (shared.isascii() and shared.isdigit()):
        return None
    text = {"upper": shared.upper(), "lower": shared.lower(), None: shared}[member.spelling]
    if row.type == "decimal" and member.factor is not None:
        text = _plain((Decimal(text) / Decimal(str(member.factor))).quantize(_FINEST, rounding=ROUND_HALF_UP))
    if row.type == "list":
        text = (member.separator or "\n").join(shared.split("\n"))
    if able.max_length is None:
        return text
    if row.type == "text":
        return shortened(text, able.max_length)
    return text if row.type in _NO_LIMIT or len(text) <= able.max_length else None


def shortened(text: str, limit: int) -> str:
    """The beginning of a text that takes so many places, an emoji two; without blanks at its end."""
    return text.encode("utf-16-le")[: 2 * limit].decode("utf-16-le", "ignore").rstrip()


def items(text: str, mark: str) -> list[str]:
    """The items of a list, each once, in their alphabet."""
    return sorted({item.strip() for item in text.split(mark) if item.strip()})


def alike(row: Property, one: str, other: str) -> bool:
    """Whether two shared texts are the same to the letter, as far as letters count in the type."""
    if row.type in _CASELESS:
        return one.casefold() == other.casefold()
    return one == other


def no_edit(row: Property, one: str, other: str) -> bool:
    """Whether the change from one shared text to another is no edit, by the property's own comparison."""
    if row.round is not None and one and other:
        return _whole(one, row.round) == _whole(other, row.round)
    return alike(row, one, other) or loosely(one, row.compare) == loosely(other, row.compare)


def loosely(text: str, compare: Comparison) -> str:
    """The form of a text in which a comparison looks at it."""
    if compare == "exact":
        return text
    folded = text.casefold()
    if compare == "compact":
        return "".join(folded.split())
    if compare == "alphanumeric":
        return "".join(letter for letter in folded if letter.isalnum())
    if compare == "digits":
        return "".join(letter for letter in folded if letter.isdigit() and letter.isascii())
    return folded


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _plain(Decimal(str(value))) if isinstance(value, int | float | Decimal) else str(value)
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").strip())


def _number(text: str, factor: float | None, places: int) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if factor is not None:
        number *= Decimal(str(factor))
    return _plain(number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _whole(text: str, how: str) -> str:
    rounding = {"down": "ROUND_DOWN", "up": "ROUND_UP", "half_up": ROUND_HALF_UP}[how]
    return _plain(Decimal(text).quantize(Decimal(1), rounding=rounding))
