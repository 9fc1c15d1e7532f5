"""The errors of the platform, by what has to be done about them.

TalkError
├── ConfigurationError      nothing can start; a person corrects the named setting or file
│   └── MappingError        the named line and field of a mapping or profile file is wrong
├── OrderRefused            what a person asked for cannot be done; nothing was changed
├── LedgerError             the ledger cannot be used (not reachable, newer than the code, damaged)
│   └── LedgerLost          the ledger, or the run's lock on its division, was lost while the run went on
└── SystemFault             a system answered, or failed to
    ├── AccessDenied        credentials, scopes or rights: no call of this kind can succeed
    ├── SystemUnavailable   a passing fault: the same call may succeed later
    ├── RecordRejected      the system says no to this record: the same call never succeeds
    ├── RecordChanged       the record is not what the write was planned from
    │   └── RecordGone      the record is not there any more
    └── UnexpectedAnswer    the answer has another shape than documented

Every message says what was attempted, on which record or setting, what was seen, and what to do. No message holds a
secret.
"""

from pathlib import Path


class TalkError(Exception):
    """Base of all errors that talk-assets raises on purpose; its text is meant for a person."""


class ConfigurationError(TalkError):
    """A setting or file is missing or wrong; the text names it and says what to write."""


class MappingError(ConfigurationError):
    """A mapping or profile file is wrong at a known place.

    Args:
        path: the file.
        line: 1-based line of the field, or None when the file as a whole is meant.
        field: dotted path of the field within the file, for instance `properties.name.exact.accounts`.
        problem: what is wrong and what would be right, as a sentence without the place.
    """

    def __init__(self, path: Path | str, line: int | None, field: str, problem: str) -> None:
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {field}: {problem}" if field else f"{place}: {problem}")
        self.path = Path(path)
        self.line = line
        self.field = field
        self.problem = problem


class OrderRefused(TalkError):
    """What a person asked for cannot be done as asked: the text names the record and says why. Nothing was changed."""


class LedgerError(TalkError):
    """The ledger cannot be used."""


class LedgerLost(LedgerError):
    """The ledger stopped answering, or the run lost its lock: nothing more may be stored or written in this run."""


class SystemFault(TalkError):
    """A system answered, or failed to; base of the errors below.

    Args:
        system: `customerp` or `exact`.
        message: what was attempted, what was seen, what to do.
        status: HTTP status, when there was an answer.
    """

    def __init__(self, system: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.system = system
        self.status = status


class AccessDenied(SystemFault):
    """Credentials, scopes or rights are missing: no call of this kind can succeed until a person acts."""


class SystemUnavailable(SystemFault):
    """A passing fault (network, time-out, 429, 503): the same call may succeed later.

    Args:
        outcome_unknown: True when a write may have been carried out although no answer came.
        retry_after: seconds after which the system said it can be asked again, when it said so.
        postponed: True when a write was not sent because it would have had to wait for the system's limit of calls:
            it can be sent once what it was planned from was looked at again.
        withheld: True when nothing was sent because the system has refused too many such calls lately.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        status: int | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
        postponed: bool = False,
        withheld: bool = False,
    ) -> None:
        super().__init__(system, message, status=status)
        self.withheld = withheld
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after
        self.postponed = postponed


class RecordRejected(SystemFault):
    """The system refuses this record (validation, missing value, duplicate): the same call never succeeds.

    Args:
        property_name: the system's own name of the property at fault, when it could be told.
        outcome_unknown: True when the answer does not say for certain that a write was not carried out.
    """

    def __init__(
        self,
        system: str,
        message: str,
        *,
        status: int | None = None,
        property_name: str | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(system, message, status=status)
        self.property_name = property_name
        self.outcome_unknown = outcome_unknown


class RecordChanged(SystemFault):
    """The record is no longer what the write was planned from (a conditional update was refused), or it is gone."""


class RecordGone(RecordChanged):
    """The system has no such record, or no more."""


class UnexpectedAnswer(SystemFault):
    """The answer has another shape than documented; nothing was taken from it."""
