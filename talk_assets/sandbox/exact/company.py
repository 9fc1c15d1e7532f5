"""What Exact tells about the user and the administrations (Exact reference, Me and Divisions)."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from talk_assets.sandbox.exact import codes
from talk_assets.sandbox.exact.config import ExactConfig
from talk_assets.sandbox.exact.errors import bad_request, not_found
from talk_assets.sandbox.exact.model import DIVISIONS, HRM_DIVISIONS, EntitySet
from talk_assets.sandbox.exact.odata_query import parse_query
from talk_assets.sandbox.exact.reader import SYSTEM
from talk_assets.sandbox.exact.reading import Call, read_plain
from talk_assets.sandbox.exact.render import Json, plain_row
from talk_assets.sandbox.exact.values import ACCOUNT_CODE_WIDTH, parse
from talk_assets.sandbox.store import Store

_OWNERS = UUID("3d6f1f0c-6a5e-4c39-9c0c-0f7b3a2d5e21")
# After these, row versions are counted anew, and a client has to read everything again (Exact reference, Sync API).
_RENUMBERING = ("DivisionMoveDate", "DivisionHRLinkUnlinkDate")
_ARCHIVED = 2


class Company:
    """The user and the divisions of one server.

    Args:
        store: keeps what was changed of a division through `/_admin`.
        config: of the server.
    """

    def __init__(self, store: Store, config: ExactConfig) -> None:
        self._store = store
        self._config = config
        self._zone = ZoneInfo(config.timezone)
        self._used = self.main

    @property
    def main(self) -> int:
        """The number of the first division."""
        return next(iter(self._config.divisions))

    def use(self, division: int) -> None:
        """Note that the API was called for a division: it is the current one from now on."""
        if division in self._config.divisions:
            self._used = division

    def me(self) -> Json:
        """The user, as current/Me shows it."""
        local = self._store.clock().astimezone(self._zone)
        offset = local.utcoffset()
        return {
            "UserID": codes.USER_ID,
            "UserName": "sandbox",
            "FirstName": "Sandbox",
            "LastName": "Gebruiker",
            "FullName": codes.USER_NAME,
            "Initials": "S.",
            "Gender": "O",
            "Email": "sandbox@example.com",
            "Language": "nl-NL",
            "LanguageCode": "nl-NL",
            "CurrentDivision": self._used,
            "AccountingDivision": self.main,
            **_owner("DivisionCustomer", self._used, self._config.divisions[self._used]),
            "Legislation": 1,
            "ServerTime": local.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "ServerUtcOffset": offset.total_seconds() if offset is not None else 0.0,
            **dict.fromkeys(_PROFILES, False),
        }

    def divisions(self, entity_set: EntitySet, called: int) -> list[Json]:
        """All divisions, as system/Divisions or hrm/Divisions shows them.

        Args:
            entity_set: which of the two.
            called: the division that the call names.
        """
        rows = [self.division(number) | {"Current": number == called} for number in self._config.divisions]
        return [_older(row) for row in rows] if entity_set is HRM_DIVISIONS else rows

    def division(self, number: int) -> Json:
        """One division, as system/Divisions shows it."""
        description = self._config.divisions[number]
        kept = {
            "Code": number,
            "Description": description,
            "Hid": number,
            "Current": number == self._used,
            **_owner("Customer", number, description),
            "IsMainDivision": number == self.main,
            "IsHRDivision": False,
            "IsDossierDivision": False,
            "IsPracticeDivision": False,
            "Country": "NL",
            "Legislation": "Netherlands",
            "Currency": codes.CURRENCY,
            "Status": 1,
            "BlockingStatus": 0,
            "Created": "2020-01-01T00:00:00",
            "Creator": codes.USER_ID,
            "CreatorFullName": codes.USER_NAME,
            "Modified": "2020-01-01T00:00:00",
            "Modifier": codes.USER_ID,
            "ModifierFullName": codes.USER_NAME,
        }
        return kept | self._changed(number)

    def change(self, number: int, wish: Mapping[str, Any]) -> None:
        """Change the named properties of a division; null clears.

        A new date of a move, or of a link with Exact Online HR, counts the division's row versions anew.

        Raises:
            Refused: 400, a property does not exist, cannot be changed, or has another type.
        """
        given: Json = {}
        for name, raw in wish.items():
            prop = DIVISIONS.properties.get(name)
            if prop is None or name in (DIVISIONS.key, "Current"):
                raise bad_request(f"a division has no property {name!r} to change")
            given[name] = parse(prop, raw)
        before = self.division(number)
        local = self._store.clock().astimezone(self._zone).replace(tzinfo=None)
        given.setdefault("Modified", local.isoformat(timespec="milliseconds"))
        with self._store.transaction():
            self._store.set_setting(_setting(number), json.dumps(self._changed(number) | given))
            if any(name in given and given[name] != before.get(name) for name in _RENUMBERING):
                self._store.renumber(SYSTEM, str(number))

    def _changed(self, number: int) -> Json:
        return dict(json.loads(self._store.setting(_setting(number)) or "{}"))


def read_divisions(company: Company, call: Call, entity_set: EntitySet, key: str | None) -> Any:
    """What system/Divisions or hrm/Divisions answers: the content of `d`, for one division when a key is given.

    Raises:
        Refused: 404, there is no such division.
    """
    # A set that has to look empty is read in division 0.
    rows = company.divisions(entity_set, call.state.division) if call.state.division else []
    if key is None:
        return read_plain(call, entity_set, rows)
    row = next((row for row in rows if str(row["Code"]) == key), None)
    if row is None:
        raise not_found()
    query = parse_query(entity_set, "ordinary", call.options, single=True)
    return plain_row(entity_set, row, call.address, query.select, int64_as_text=call.config.int64_as_text)


_PROFILES = (
    "IsClientUser",
    "IsEmployeeSelfServiceUser",
    "IsMyFirmLiteUser",
    "IsMyFirmPortalUser",
    "IsOEIMigrationMandatory",
    "IsStarterUser",
)


def _older(row: Json) -> Json:
    """A division as the older set shows it: with other names, and 0 for those in use, 1 for those in the archive."""
    country = codes.COUNTRIES.get(str(row.get("Country")))
    return row | {
        "HID": row.get("Hid"),
        "Main": row.get("IsMainDivision"),
        "CountryDescription": country,
        "Status": int(row.get("Status") == _ARCHIVED),
    }


def _owner(prefix: str, division: int, name: str) -> Json:
    """The account that a division belongs to; its code is padded as everywhere."""
    key = uuid5(_OWNERS, str(division))
    return {prefix: str(key), f"{prefix}Code": "1".rjust(ACCOUNT_CODE_WIDTH), f"{prefix}Name": name}


def _setting(number: int) -> str:
    return f"exact/division/{number}"
