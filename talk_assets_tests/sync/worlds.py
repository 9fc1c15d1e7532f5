"""Random small mappings and clusters for hypothesis: few values, so that they meet often."""

from typing import Any

from hypothesis import strategies as st

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Subject
from talk_assets_tests.sync.build import Agreed, Cluster, Member, Text, capable, mapping

ENTITIES = ["customerp.left", "customerp.second", "exact.right", "exact.other"]
# Some differ in layout only, some are the beginning of others.
TEXTS = ["a", "ab", "ab ", "abc", "abcd", "AB", "b", "b c", "b  c", "-"]
CODES = ["a", "A", "a-1", "a1", "b"]
REFERENCES = {
    f"{entity}/{key}": number for entity in ("customerp.to", "exact.to") for key, number in (("1", "7"), ("2", "8"))
}
POINTS = [*REFERENCES, "exact.to/lost", "customerp.to/lost"]
ALPHABETS = {"text": TEXTS, "code": CODES, "reference": POINTS, "email": ["a@b", "A@b", "c@d"]}


@st.composite
def properties(draw: st.DrawFn, entities: list[str], name: str, group: dict[str, Any] | None) -> dict[str, Any]:
    """The settings of one property."""
    kind = draw(st.sampled_from(["text", "text", "text", "code", "email", "reference"]))
    holders = draw(st.lists(st.sampled_from(entities), min_size=min(2, len(entities)), unique=True))
    settings: dict[str, Any] = {"type": kind}
    if kind == "reference":
        settings["to"] = "target"
    if kind in ("text", "code"):
        settings["compare"] = draw(st.sampled_from(["exact", "exact", "ignore_case", "compact", "alphanumeric"]))
    settings |= group or draw(decisive(entities))
    settings["clear"] = draw(st.sampled_from([[], [], ["customerp"], ["customerp", "exact"], entities[:1]]))
    settings["members"] = {}
    for entity in sorted(holders, key=entities.index):
        settings["members"][entity] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "claims": st.just(False),
                    "when": st.sampled_from(entities),
                    "write": st.sampled_from(["create", "never"]),
                },
            )
            if draw(st.integers(0, 5)) == 0
            else st.just({})
        )
    return settings


@st.composite
def decisive(draw: st.DrawFn, entities: list[str]) -> dict[str, Any]:
    """Rule, order and direction: what a group has in common."""
    rule = draw(st.sampled_from(["latest", "latest", "latest", "owner", "prefer", "manual"]))
    order = draw(st.lists(st.sampled_from(["customerp", "exact", *entities]), min_size=1, max_size=3, unique=True))
    direction = draw(st.sampled_from(["both", "both", "both", "both", "to_exact", "to_customerp", "create_in_exact"]))
    found = {"rule": rule, "direction": direction, "order": order if rule in ("owner", "prefer") else []}
    return found | ({"non_owner_edit": draw(st.sampled_from(["revert", "ignore"]))} if rule == "owner" else {})


@st.composite
def subjects(draw: st.DrawFn) -> tuple[Subject, Capabilities]:
    """A mapping of one group of properties or up to two single ones, and what its entities can take."""
    entities = draw(st.sampled_from([[ENTITIES[0], ENTITIES[2]], ENTITIES[:3], ENTITIES]))
    group = draw(decisive(entities)) | {"group": "address"} if draw(st.booleans()) else None
    names = ["one", "two", "three"][: draw(st.integers(2, 3)) if group else draw(st.integers(1, 2))]
    rows = {name: draw(properties(entities, name, group)) for name in names}
    tie_break = draw(st.sampled_from([[], [], ["exact", "customerp"]]))
    subject = mapping(rows, entities, tie_break=tie_break)
    limits = st.sampled_from([None, None, 2, 3])
    special = {
        entity.replace(".", "__"): {name: {"max_length": draw(limits)} for name in subject.held_by(entity)}
        for entity in entities
    }
    return subject, capable(subject, **special)


def _texts(subject: Subject, name: str) -> st.SearchStrategy[Text]:
    return st.sampled_from([None, *ALPHABETS[subject.properties[name].type]])


@st.composite
def members(draw: st.DrawFn, subject: Subject, entity: str, likely: dict[str, Text]) -> Member:
    """A record in any state: new, unchanged, edited, or holding a coarser form of what was sent."""
    names = list(subject.held_by(entity))
    likely = {name: likely[name] for name in names}
    state = draw(st.sampled_from(["new", "unchanged", "edited", "edited", "behind", "sent", "asked"]))
    current = {name: draw(st.sampled_from([likely[name]]) | _texts(subject, name)) for name in names}
    modified = draw(st.none() | st.integers(0, 5))
    if state == "new":
        return Member(current, modified, key=draw(st.sampled_from("12")))
    base = {name: current[name] if state == "unchanged" else draw(_texts(subject, name)) for name in names}
    if state == "edited":
        base = dict(likely)
    if state == "asked":
        # Without a time, as after a difference for which no time told who is right.
        return Member(current, modified, draw(st.sampled_from([dict(current), base])), {})
    sent = {name: draw(_texts(subject, name)) for name in names} if state == "sent" else {}
    seen: dict[str, float] = {name: draw(st.integers(0, 5)) for name in names}
    return Member(current, modified, base, seen, sent)


@st.composite
def clusters(draw: st.DrawFn, subject: Subject) -> Cluster:
    """A cluster of some of the subject's entities, with or without agreed values."""
    likely = {name: draw(_texts(subject, name)) for name in subject.properties}
    there = draw(st.lists(st.sampled_from(subject.entities), min_size=1, unique=True))
    found = {entity: draw(members(subject, entity, likely)) for entity in there}
    golden = Agreed()
    if draw(st.integers(0, 3)):
        for name in subject.properties:
            value = draw(st.sampled_from([likely[name]]) | _texts(subject, name))
            # What has nothing to compare is empty, and nothing empty is ever agreed.
            value = None if value == "-" else value
            if value is not None or draw(st.booleans()):
                golden.values[name] = value
                golden.times[name] = draw(st.integers(0, 5))
                golden.winners[name] = f"{draw(st.sampled_from(subject.entities))}/1"
                golden.rules[name] = "latest"
    return Cluster(found, golden)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Subject, Capabilities, dict[int, Cluster]]:
    """A mapping with a few clusters."""
    subject, capabilities = draw(subjects())
    found = draw(st.lists(clusters(subject), min_size=1, max_size=4))
    return subject, capabilities, dict(enumerate(found, start=1))
