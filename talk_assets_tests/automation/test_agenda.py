"""What a sensor remembers: no news is passed over for good, and no run is started twice for the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from talk_assets.automation.agenda import LONGEST_WAIT, Agenda, wait_after

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FEEDS = st.sampled_from(["exact.accounts", "exact.items", "exact.deletions"])
LOOKS = st.lists(
    st.tuples(st.dictionaries(FEEDS, st.sampled_from(["one", "two"])), st.integers(1, 3600)), min_size=1, max_size=40
)


def start(agenda: Agenda, news: dict[str, str], now: datetime) -> tuple[Agenda, list[str], str | None]:
    """A look: what is run for, under which name; and the agenda as Dagster gives it back."""
    ready = agenda.ready(news, now)
    name = agenda.start({feed: news[feed] for feed in ready}, now) if ready else None
    return Agenda.load(agenda.model_dump_json()), ready, name


@given(LOOKS)
def test_news_that_stay_are_run_for_again_within_the_longest_wait(looks: list[tuple[dict[str, str], int]]) -> None:
    """What a failed run left behind stays behind for good, or every look starts a run that fails like the last one."""
    agenda, now, ran = Agenda(), BEGIN, dict[str, tuple[str, datetime, int]]()
    for news, seconds in looks:
        now += timedelta(seconds=seconds)
        agenda, ready, _ = start(agenda, news, now)
        for feed, mark in news.items():
            before = ran.get(feed)
            if before is None or before[0] != mark:
                assert feed in ready, "other news than before are run for at once"
            else:
                assert (feed in ready) == (now - before[1] >= wait_after(before[2]))
                assert feed in ready or now - before[1] < LONGEST_WAIT
            if feed in ready:
                times = before[2] + 1 if before is not None and before[0] == mark else 1
                ran[feed] = (mark, now, times)


@given(LOOKS)
def test_each_run_has_a_name_of_its_own_and_a_repeated_look_the_same(looks: list[tuple[dict[str, str], int]]) -> None:
    """Dagster starts no run whose name it knows: the second edit is passed over, or one edit is run for twice."""
    agenda, now = Agenda(), BEGIN
    for number, (news, seconds) in enumerate(looks):
        now += timedelta(seconds=seconds)
        marks = {feed: f"{mark} {number // 3}" for feed, mark in news.items()}
        before = agenda.model_copy(deep=True)
        agenda, ready, name = start(agenda, marks, now)
        again, ready_again, name_again = start(before, marks, now)
        assert (ready, name) == (ready_again, name_again), "the look whose result was lost"
        assert agenda == again
        if name is not None:
            _, _, next_name = start(agenda.model_copy(deep=True), marks, now + LONGEST_WAIT)
            assert next_name not in {None, name}


def test_what_is_damaged_begins_anew() -> None:
    """A sensor whose cursor somebody edited in Dagit would fail at every look."""
    assert Agenda.load("{") == Agenda.load('{"asked": 3}') == Agenda.load(None) == Agenda()


def test_a_clock_that_was_ahead_stops_nothing() -> None:
    """After a clock was put right nothing would be asked until it has caught up, in a year."""
    agenda = Agenda()
    agenda.note_asked("exact.items", BEGIN + timedelta(days=365))
    agenda.start({"exact.items": "one"}, BEGIN + timedelta(days=365))
    assert agenda.is_due("exact.items", BEGIN, timedelta(minutes=7))
    assert agenda.ready({"exact.items": "one"}, BEGIN) == ["exact.items"]
