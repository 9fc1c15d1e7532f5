"""What a case says of one sync: how often, what is read, where records are created, and when it is killed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from talk_assets_tests.scenarios.words import (
    SYSTEMS,
    NotExpressible,
    Values,
    Words,
    count,
    flag,
    meant,
    of_places,
    other,
    plain,
    told,
)

_DO = {
    "sync": {"cycle", "run", "full sync", "synchronise", "synchronize", "sync again", "full cycle"},
    "preview": {"dry run", "plan", "plan only", "simulate", "check"},
}
# How a side is read, and the words for it.
_READS = {
    "normal": {"incremental", "changes only", "changes", "delta", "both", "all", "usual", "new", "yes", "true"},
    "whole": {"full", "complete", "snapshot", "everything", "full snapshot", "rescan", "all records"},
    "late": {
        "delivered only",
        "delivered",
        "events only",
        "webhooks only",
        "late only",
        "only delivered",
        "pushed only",
    },
    "nothing": {"none", "no", "false", "skip", "off", "not"},
}


@dataclass(frozen=True)
class SyncWords:
    """A sync as a case says it.

    Attributes:
        event: the event itself.
        preview: nothing is stored.
        times: how often.
        inserts: where records are created; None as the rules say.
        crash: the words for the moment at which it is killed; None when it is not.
        reading: per side how it is read: normal, whole, late or nothing.
    """

    event: Values
    preview: bool
    times: int
    inserts: Any
    crash: Any
    reading: dict[str, str]


def sync_words(event: Values, types: Collection[str]) -> SyncWords | None:
    """What an event says of a sync; None when it is about something else.

    Raises:
        NotExpressible: it is not understood.
    """
    if not {"do", "sync", "preview"} & set(event):
        return None
    words = Words(event, "a sync")
    said = words.take("do")
    times = words.take("times", "repeat", "count", default=1)
    if said is None:
        said = "sync" if words.has("sync") else "preview"
        own = words.take(said)
        if own not in (True, None) and not isinstance(own, str):
            times = own
        elif isinstance(own, str) and own:
            said = own
    what = meant(said, _DO, "do")
    whole = plain(said) == "full sync"
    for name in ("t", "between_read_and_write", "between_check_and_write"):
        words.take(name)
    number = count(times, "times")
    if number == float("inf"):
        raise NotExpressible(f"a sync cannot go on for ever: {event}")
    found = SyncWords(
        event=event,
        preview=what == "preview" or flag(words.take("preview", "dry_run", default=False), "preview"),
        times=int(number),
        inserts=words.take("inserts"),
        crash=words.take("crash", "crashes", "killed", "kill"),
        reading=_reading(words.take("read", "reads", default="full" if whole else "normal"), types),
    )
    words.done()
    return found


def _reading(wish: Any, types: Collection[str]) -> dict[str, str]:
    said = plain(wish).removesuffix(" only").removeprefix("only ")
    if isinstance(wish, list):
        return {side: "normal" if side in wish else "nothing" for side in SYSTEMS}
    if said in SYSTEMS:
        return {said: "normal", other(said): "nothing"}
    if of_places(wish, types):
        found = {side: told(wish, side, "", types) for side in SYSTEMS}
        return {side: "normal" if own is None else meant(own, _READS, "read") for side, own in found.items()}
    return dict.fromkeys(SYSTEMS, meant(wish, _READS, "read"))
