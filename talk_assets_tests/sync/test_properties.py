"""What holds of the engine whatever it is given."""

import warnings

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talk_assets.mappings.capabilities import Capabilities
from talk_assets.mappings.model import Flow, Subject
from talk_assets.sync.decide import decide
from talk_assets.sync.match import assign, propose
from talk_assets_tests.sync.build import LEFT, NOW, RIGHT, Cluster, decided, moment, pointing, rows_of
from talk_assets_tests.sync.test_match import criteria, linked, records
from talk_assets_tests.sync.worlds import REFERENCES, worlds

SECOND = "customerp.second"
NAMES = [(entity, key) for entity in (LEFT, RIGHT) for key in "123"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_what_was_decided_is_decided(world: tuple[Subject, Capabilities, dict[int, Cluster]]) -> None:
    """Otherwise every sync changes something again, and nobody can say when two systems agree."""
    subject, capabilities, clusters = world
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = decided(subject, clusters, capabilities, REFERENCES)
        again = decide(
            subject,
            first.accounted,
            first.golden,
            capabilities=capabilities,
            clusters_of=pointing(REFERENCES),
            now=moment(NOW),
        )
    pd.testing.assert_frame_equal(again.golden.values, first.golden.values)
    pd.testing.assert_frame_equal(again.golden.times, first.golden.times)
    assert again.history.empty
    columns = ("cluster_id", "property", "entity", "key", "value")
    assert rows_of(again.conflicts, *columns) == rows_of(first.conflicts, *columns)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=4), max_size=4), st.randoms(use_true_random=False))
def test_who_comes_first_does_not_matter_for_matching(shared: list[list[tuple[str, str]]], random: object) -> None:
    """Otherwise one record more in a feed links others differently than yesterday."""
    flow = Flow(customerp=LEFT, exact=RIGHT, criteria=criteria(["name"]))
    rows = [(entity, key, 0, f"value {at}") for at, group in enumerate(shared) for entity, key in group]
    before = linked([(LEFT, "1"), (RIGHT, "1")], [(LEFT, "2")])

    def clusters(order: list[tuple[str, str, int, str]], names: list[tuple[str, str]]) -> tuple[object, ...]:
        keys = pd.DataFrame(order, columns=["entity", "key", "alternative", "value"])
        found = assign(records(*names), before, propose(keys, before, flow.entities, flow.criteria))
        # The number of a new cluster is provisional.
        number = found.members["cluster_id"].astype("str").where(~found.members["new"], "new")
        name = (found.members["entity"] + "/" + found.members["key"]).astype("str")
        groups = name.groupby([number, found.members["cluster_id"]]).agg(lambda each: ", ".join(sorted(each)))
        members = sorted(f"{at}: {names}" for at, names in groups.droplevel(1).items())
        return members, rows_of(found.merged, "old", "cluster_id"), rows_of(found.ambiguous, "entity", "key", "others")

    shuffled, names = list(rows), list(NAMES)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(names)  # type: ignore[attr-defined]
    assert clusters(shuffled, names) == clusters(rows, NAMES)
