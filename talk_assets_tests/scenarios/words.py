"""The words of scenario files: spellings that mean the same, and of which records a rule speaks.

Whoever writes a case chooses among many words for one thing. A word that is in none of these tables is refused with a
sentence, so that no case is ever played otherwise than it was meant.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]
SYSTEMS = {"left": "customerp", "right": "exact"}
# What a case says to a reader only.
REMARKS = frozenset({"note", "notes", "comment", "why", "because", "by", "who"})

_YES = frozenset({"true", "yes", "on", "always", "enabled", "allowed", "1"})
_NO = frozenset({"false", "no", "off", "never", "disabled", "forbidden", "none", "0"})
_COUNTS = {"once": 1.0, "one": 1.0, "twice": 2.0, "two": 2.0, "thrice": 3.0, "three": 3.0, "never": 0.0, "none": 0.0}
_FOR_EVER = frozenset(
    {"always", "forever", "for ever", "every time", "each time", "unlimited", "all", "inf", "until none"}
)


class NotExpressible(Exception):
    """A case says something that the runner cannot play; the case fails."""


def plain(word: object) -> str:
    """A word in small letters, with single blanks for underscores and hyphens."""
    return " ".join(re.split(r"[\s_\-]+", str(word).strip().lower()))


def meant(word: object, meanings: Mapping[str, Collection[str]], rule: str) -> str:
    """Which of some meanings a word has.

    Args:
        word: as it is written.
        meanings: meaning to its other spellings, in plain form.
        rule: what is spoken of, for the sentence.

    Raises:
        NotExpressible: it has none of them.
    """
    said = plain(word)
    for meaning, spellings in meanings.items():
        if said == plain(meaning) or said in spellings:
            return meaning
    raise NotExpressible(f"{rule}: {word!r} is none of {', '.join(meanings)}")


def flag(word: object, rule: str) -> bool:
    """Whether a word says yes."""
    return meant(word, {"yes": _YES, "no": _NO}, rule) == "yes"


def count(word: object, rule: str) -> float:
    """How often: `2`, `once`, `3 times`, `always`."""
    said = plain(word).removesuffix(" times").removesuffix(" time")
    if said in _FOR_EVER:
        return float("inf")
    if said in _COUNTS:
        return _COUNTS[said]
    if re.fullmatch(r"\d+(\.0)?", said):
        return float(said)
    raise NotExpressible(f"{rule}: {word!r} is no number of times")


def share(word: object, rule: str) -> float:
    """A part of all: `0.5`, `50%`, `50 percent`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|percent)?", plain(word))
    if found is None or float(found[1]) > 100:
        raise NotExpressible(f"{rule}: {word!r} is no share")
    number = float(found[1])
    return number / 100 if found[2] or number > 1 else number


def whole(word: object, rule: str) -> int:
    """A whole number."""
    if isinstance(word, bool) or not re.fullmatch(r"\d+(\.0)?", plain(word)):
        raise NotExpressible(f"{rule}: {word!r} is no whole number")
    return int(float(plain(word)))


def listed(wish: object) -> list[Any]:
    """One or several."""
    if wish is None:
        return []
    return list(wish) if isinstance(wish, list | tuple | set) else [wish]


class Words:
    """What is said in one event or entry: whatever nobody asks for is not understood.

    Args:
        said: the entry.
        what: what it is, for the sentence.
    """

    def __init__(self, said: Mapping[str, Any], what: str) -> None:
        self.said = {str(name): value for name, value in said.items()}
        self._what = what
        self._left = set(self.said) - REMARKS

    def has(self, *names: str) -> bool:
        """Whether one of some words is there."""
        return any(name in self.said for name in names)

    def take(self, *names: str, default: Any = None) -> Any:
        """What is said under the first of some words of one meaning."""
        found = next((name for name in names if name in self.said), None)
        if found is None:
            return default
        self._left.discard(found)
        return self.said[found]

    def need(self, *names: str) -> Any:
        """The same, where it cannot be left out."""
        if not self.has(*names):
            raise NotExpressible(f"{self._what} lacks `{names[0]}`: {self.said}")
        return self.take(*names)

    def rest(self) -> Iterator[tuple[str, Any]]:
        """What nobody has asked for so far; it is taken."""
        for name in sorted(self._left):
            self._left.discard(name)
            yield name, self.said[name]

    def done(self) -> None:
        """Say which words were not understood.

        Raises:
            NotExpressible: there are such words.
        """
        if self._left:
            raise NotExpressible(f"unknown words in {self._what}: {', '.join(sorted(self._left))} ({self.said})")


@dataclass(frozen=True)
class Place:
    """Of which records a rule speaks; None where it names no side or type.

    Attributes:
        side: left or right, where the side itself is named.
        type: the type.
        to: the side to which something goes, where a direction is named.
        start: the side from which it comes.
    """

    side: str | None = None
    type: str | None = None
    to: str | None = None
    start: str | None = None

    @property
    def exact(self) -> int:
        """The more is named, the more it counts."""
        return 2 * (self.type is not None) + ((self.side or self.to or self.start) is not None)


_ALL = frozenset({"*", "all", "both", "default", "every", "everything", "any", "other", "others"})
_DIRECTION = re.compile(
    r"(?:from )?(left|right)(?: to |\s*->\s*| → )(left|right)(?: (?:insert|inserts|on insert|create))?"
)
_TOWARDS = re.compile(r"(?:to|into|towards) (left|right)(?: (?:insert|inserts|on insert|create))?")
_FROM = re.compile(r"(?:from) (left|right)")


def place_of(key: object, types: Collection[str]) -> Place | None:
    """The records that the key of a rule names: `left`, `right/contact`, `contact`, `to_left`, `left_to_right`.

    Args:
        key: the key.
        types: the types that the case has.

    Returns:
        The place; None when the key names something else, such as a property.
    """
    text = str(key).strip()
    head, slash, type_ = text.partition("/")
    if not slash and text in types:
        return Place(type=text)
    said = plain(head)
    kind = type_.strip() if slash else None
    if said in _ALL:
        return Place(type=kind)
    if said in SYSTEMS:
        return Place(side=said, type=kind)
    if found := _DIRECTION.fullmatch(said):
        return Place(start=found[1], to=found[2], type=kind)
    if found := _TOWARDS.fullmatch(said):
        return Place(to=found[1], type=kind)
    if found := _FROM.fullmatch(said):
        return Place(start=found[1], type=kind)
    return None


def of_places(wish: Any, types: Collection[str]) -> bool:
    """Whether a rule says something by places, and not the same for all."""
    return isinstance(wish, dict) and bool(wish) and all(place_of(key, types) is not None for key in wish)


def told(wish: Any, side: str, type_: str, types: Collection[str], *, gone: bool = False) -> Any:
    """What a rule says of the records of a type on a side; None when it says nothing of them.

    Args:
        wish: the rule: one word for all, or by places, which may lie within each other.
        side: the side.
        type_: the type.
        types: the types that the case has.
        gone: the rule is about what becomes of others when these records are gone, so that a direction begins here;
            otherwise a direction ends here.
    """
    if not of_places(wish, types):
        return wish
    found = []
    for key, value in wish.items():
        place = place_of(key, types)
        if place is not None and meets(place, side, type_, gone=gone):
            inner = told(value, side, type_, types, gone=gone)
            if inner is not None:
                found.append((place.exact, inner))
    return max(found, key=lambda each: each[0])[1] if found else None


def meets(place: Place, side: str, type_: str, *, gone: bool = False) -> bool:
    """Whether a place is that of the records of a type on a side; see `told`."""
    begin, end = (side, other(side)) if gone else (other(side), side)
    named = place.side in (None, side) and place.type in (None, type_)
    return named and place.start in (None, begin) and place.to in (None, end)


def other(side: str) -> str:
    """The other side."""
    return "right" if side == "left" else "left"
