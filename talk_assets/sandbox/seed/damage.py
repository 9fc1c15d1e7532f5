"""Records that break a rule on purpose, as they lie in real systems that were filled before the rule existed."""

from collections.abc import Callable
from itertools import cycle

from talk_assets.sandbox.seed.model import Draft, Seed


def _set(name: str, value: object) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.values[name] = value

    return change


def _set_in_line(name: str, value: object) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.lines[0][name] = value

    return change


# Entity of Customerp and what goes wrong with one of its records.
_KINDS: tuple[tuple[str, Callable[[Draft], None]], ...] = (
    ("contact", _set("Email", "geen e-mail bekend")),
    ("quote", _set("QuoteDate", "2024-13-45")),
    ("customer", _set("Country", "Nederland")),
    ("product", _set("CostPrice", "n.v.t.")),
    ("order", _set("Currency", "Euro's")),
    ("employee", _set("BirthDate", "1980-02-31")),
    ("order", _set_in_line("Quantity", "twee")),
    ("customer", _set("Name", None)),
)


def damage(seed: Seed, wanted: int) -> None:
    """Break this many of Customerp's records, of each kind in turn, the most recent ones first.

    A record is broken once; when all records are broken, it ends.
    """
    left = {entity: [draft for draft in drafts] for entity, drafts in seed.customerp.items()}
    for entity, change in cycle(_KINDS):
        if wanted == 0 or not any(left.values()):
            return
        if left[entity]:
            change(left[entity].pop())
            wanted -= 1
        elif not any(left[kind] for kind, _ in _KINDS):
            return
