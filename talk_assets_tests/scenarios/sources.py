"""Which record an insert is made from: a case names it by its source, for the target has given it no key yet."""

from collections.abc import Mapping

from talk_assets_tests.scenarios.memory import Side
from talk_assets_tests.scenarios.store import Stored
from talk_assets_tests.scenarios.words import Values


class Source:
    """Tells inserts by what they hold.

    Args:
        sides: the systems.
    """

    def __init__(self, sides: Mapping[str, Side]) -> None:
        self._sides = sides

    def there(self, id_: str) -> bool:
        """Whether some side has such a record."""
        return any(id_ in records for system in self._sides.values() for records in system.records.values())

    def is_of(self, id_: str, sent: Values) -> bool:
        """Whether what is sent is made from a record: none of its type has more in common with it."""
        for system in self._sides.values():
            for records in system.records.values():
                if id_ in records:
                    common = {key: _common(kept, sent) for key, kept in records.items()}
                    return common[id_] > 0 and common[id_] == max(common.values())
        return False


def _common(kept: Stored, sent: Values) -> int:
    """How many properties of a record are as they are sent, less those that are not."""
    names = {name for name in kept.values.keys() & sent.keys() if kept.values[name] not in (None, "")}
    names |= {name for name, value in sent.items() if value not in (None, "") and name in kept.values}
    equal = sum(str(kept.values.get(name)).lower() == str(sent.get(name)).lower() for name in names)
    return 2 * equal - len(names)
