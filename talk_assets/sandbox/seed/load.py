"""Put a seed into the store, where both servers find it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from talk_assets.sandbox.customerp.entities import ENTITIES
from talk_assets.sandbox.customerp.state import CustomerpState
from talk_assets.sandbox.exact.state import ExactState
from talk_assets.sandbox.seed.model import Seed, Values
from talk_assets.sandbox.store import Store

_DOCUMENTS = ("Quotations", "SalesOrders")


def load(seed: Seed, store: Store, exact: ExactState) -> None:
    """Store all records of both systems, or none when anything goes wrong.

    Args:
        seed: what to store.
        store: an empty store; Customerp's records go there.
        exact: the administration of the same store that Exact's records go to.

    Raises:
        ValueError: a key is in use, because the store was not empty.
    """
    customerp = CustomerpState(store)
    with store.transaction():
        for entity, drafts in seed.customerp.items():
            for draft in drafts:
                customerp.restore(ENTITIES[entity], draft.key, draft.values, draft.lines, draft.modified)
        load_exact(seed, exact)


def load_exact(seed: Seed, exact: ExactState) -> None:
    """Store the records of Exact alone, or none when anything goes wrong.

    Raises:
        ValueError: a key is in use, because the administration was not empty.
    """
    with exact.store.transaction():
        for set_name, drafts in seed.exact.items():
            for draft in drafts:
                values = _json(draft.values)
                if set_name in _DOCUMENTS:
                    lines = [_json(line) for line in draft.lines]
                    exact.add_document(set_name, values, lines, key=draft.key, modified=draft.modified)
                else:
                    exact.add(set_name, values, key=draft.key, modified=draft.modified)


def _json(values: Mapping[str, Any]) -> Values:
    """Values as Exact takes them: its decimals are double-precision numbers."""
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
