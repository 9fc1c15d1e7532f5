"""What happens to a value between two columns, in few words; empty where it is taken as it is."""

from talk_assets.mappings.model import MemberProperty, Property

_RULES = {
    "latest": "the latest edit wins",
    "manual": "a person decides where both changed",
    "union": "what any side added stays",
}


def read_words(member: MemberProperty, target: str | None) -> str:
    """How a system's value becomes the shared one.

    Args:
        member: how the entity holds the property.
        target: of a reference: the entity that it points to.
    """
    told = []
    if member.values:
        told.append("value map " + ", ".join(f"{own}: {shared}" for own, shared in member.values.items()))
    if member.factor is not None:
        told.append(f"times {member.factor:g}")
    if target is not None:
        told.append(f"key of {target}")
    return "; ".join([*told, *_where(member)])


def decided_words(row: Property) -> str:
    """How the agreed value is chosen."""
    rule = _RULES.get(row.rule) or f"{row.rule}: {', '.join(row.order)}"
    return rule if row.group is None else f"{rule}, with all of {row.group}"


def written_words(row: Property, entity: str, *, on_create: bool, longest: int | None) -> str:
    """How the agreed value becomes the system's own.

    Args:
        row: the property.
        entity: the entity that is written.
        on_create: whether it is written on create only.
        longest: how many characters the entity takes.
    """
    member = row.members[entity]
    told = ["on create only"] if on_create else []
    if member.values:
        # Of several codes for one the first is written.
        first = {shared: own for own, shared in reversed(member.values.items())}
        told.append("value map " + ", ".join(f"{shared}: {first[shared]}" for shared in reversed(first)))
    if member.factor is not None:
        told.append(f"divided by {member.factor:g}")
    if row.to is not None:
        told.append(f"as the record of the same {row.to} there")
    if member.default_setting is not None:
        told.append(f"where empty, the setting {member.default_setting.upper()}")
    if member.default is not None:
        told.append(f"where empty, '{member.default}'")
    if member.only_digits:
        told.append("only digits")
    if member.unless_taken:
        told.append("unless taken")
    if member.spelling is not None:
        told.append(f"in {member.spelling} case")
    if longest is not None and row.type == "text":
        told.append(f"at most {longest} characters")
    return "; ".join([*told, *_where(member)])


def _where(member: MemberProperty) -> list[str]:
    found = [f"where there is a {member.when}"] if member.when is not None else []
    return [*found, f"where there is no {member.unless}"] if member.unless is not None else found
