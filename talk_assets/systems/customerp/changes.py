"""Where a reading of changes starts and where the next one does, in each style that a profile can name."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from talk_assets.errors import ConfigurationError, UnexpectedAnswer
from talk_assets.systems.customerp.dialect import SYSTEM
from talk_assets.systems.customerp.formats import Moments, utc_text
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.sections import Changes, ChangeToken, ModifiedSince

_EVERYTHING = "everything"  # the cursor of an ERP that cannot say what changed


class ChangeReading:
    """One reading of changes, from the cursor that it starts at to the one that the next reading starts at.

    Args:
        changes: the profile's style.
        profile: for the time zone and its name.
        cursor: of the reading before; None reads everything.
        doing: what is attempted, for errors.

    Raises:
        ConfigurationError: the cursor comes from another style.
    """

    def __init__(self, changes: Changes, profile: Profile, cursor: str | None, doing: str) -> None:
        self._changes = changes
        self._profile = profile
        self._cursor = cursor or None
        self._doing = doing
        # A time in the future must not become the start of the next reading: it would hide what changes until then.
        self._latest = datetime.now(UTC)
        self._before = self._newest_of(cursor) if isinstance(changes, ModifiedSince) else None
        self._seen: datetime | None = None
        self._token: str | None = None
        self._items = 0

    @property
    def complete(self) -> bool:
        """Whether everything is read."""
        return not self.query

    @property
    def blind(self) -> bool:
        """Whether the ERP cannot say what changed, so that only reading everything tells."""
        return not isinstance(self._changes, ChangeToken | ModifiedSince)

    @property
    def timed(self) -> bool:
        """Whether the times of the records decide where the next reading starts."""
        return isinstance(self._changes, ModifiedSince)

    @property
    def query(self) -> dict[str, str]:
        """What asks for the changes; empty when everything is read."""
        changes = self._changes
        if isinstance(changes, ChangeToken):
            return {changes.parameter: self._cursor} if self._cursor is not None else {}
        if isinstance(changes, ModifiedSince) and self._before is not None:
            moments = Moments(changes.format, ZoneInfo(self._profile.formats.time_zone))
            since = moments.write(self._before - timedelta(seconds=changes.overlap_seconds))
            return {changes.parameter: changes.value.replace("{since}", str(since))}
        return {}

    def page(self, items: int, token: str | None) -> None:
        """Take in that a page was read."""
        self._items += items
        self._token = token

    def saw(self, moment: datetime | None) -> None:
        """Take in the time of a record's change."""
        if moment is not None:
            moment = min(moment, self._latest)
            self._seen = moment if self._seen is None else max(self._seen, moment)

    def following(self) -> str:
        """The cursor for the next reading.

        Raises:
            UnexpectedAnswer: there is none, or it would read the same again.
        """
        if isinstance(self._changes, ChangeToken):
            if self._token is None:
                raise self._unexpected("the answer has no token for the next reading; correct envelope.token")
            if self._items and self._token == self._cursor:
                raise self._unexpected("records came, but the token is still the same; correct envelope.token")
            # A right that is withdrawn empties a list as well, and the new token is past what it hides meanwhile.
            return self._token if self._items else (self._cursor or "")
        if isinstance(self._changes, ModifiedSince):
            if self._items and self._seen is None:
                raise self._unexpected("no record has a time of change that can be read; correct `modified` or formats")
            newest = max((moment for moment in (self._before, self._seen) if moment is not None), default=None)
            return json.dumps({"newest": utc_text(newest) if newest else None})
        return _EVERYTHING

    def _newest_of(self, cursor: str | None) -> datetime | None:
        if cursor is None:
            return None
        try:
            newest = json.loads(cursor)["newest"]
            return datetime.fromisoformat(newest) if newest is not None else None
        except (ValueError, TypeError, KeyError):
            raise ConfigurationError(
                f"{self._doing}: the stored cursor is not a time, so it was stored under another way of reading "
                f"changes than that of {self._profile.source}; read this entity again from the beginning."
            ) from None

    def _unexpected(self, problem: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(SYSTEM, f"{self._doing}: {problem} in {self._profile.source}")
