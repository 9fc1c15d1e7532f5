"""Parts of a mapping in words, for descriptions and documents."""

from collections.abc import Sequence

from talk_assets.mappings.model import CriterionProperty

_LOOSELY = {
    "ignore_case": "whatever the case",
    "compact": "whatever the case and spaces",
    "alphanumeric": "letters and digits only",
    "digits": "digits only",
}


def criteria_in_words(alternatives: Sequence[Sequence[CriterionProperty]]) -> str:
    """Merge criteria, as `email and organisation are equal, or number is equal`; '' for none."""
    told = []
    for alternative in alternatives:
        names = [
            each.property if each.compare is None else f"{each.property} ({_LOOSELY.get(each.compare, each.compare)})"
            for each in alternative
        ]
        told.append(f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} equal")
    return ", or ".join(told)
