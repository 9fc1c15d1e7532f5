"""The employer's people: Customerp's employees, contacts of the employer's account, and Exact's payroll."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed import spelling
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.names import Name, NameMaker
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.organisations import Company
from talk_assets.sandbox.seed.pairing import drift, exact_only, in_exact, lose, respell
from talk_assets.sandbox.seed.source import Source
from talk_assets.sandbox.seed.words import WORDS, Country

PERSON_NAMES = {
    "FirstName": "FirstName",
    "MiddleName": "MiddleName",
    "LastName": "LastName",
    "Phone": "Phone",
    "Mobile": "Mobile",
    "BirthDate": "BirthDate",
}
_CONTACT_NAMES = {
    **PERSON_NAMES,
    "Email": "BusinessEmail",
    "PrivateEmail": "Email",
    "JobTitle": "JobTitleDescription",
}
_PAYROLL_NAMES = {
    **PERSON_NAMES,
    "Email": "BusinessEmail",
    "PrivateEmail": "PrivateEmail",
    "StartDate": "StartDate",
    "EndDate": "EndDate",
}
_FIRST_NUMBER = 1001
# Exact's own employee numbers lie above Customerp's, so that equal numbers always mean the same person.
_FIRST_HID = 500_001
_PRIVATE_DOMAIN = "thuis.example"


@dataclass(slots=True)
class Employee:
    """A person of the employer.

    Attributes:
        pair: the employee in Customerp and the contact of the employer's account in Exact.
        payroll: the employee in Exact.
        country: where the person comes from.
    """

    pair: Pair
    payroll: Draft | None
    country: Country


class EmployeeMaker:
    """Makes the employer's people."""

    def __init__(self, source: Source, names: NameMaker, employer: Company) -> None:
        self._source = source
        self._names = names
        self._employer = employer
        self._customerp = 0
        self._payroll = 0

    def make(self, options: SeedOptions) -> list[Employee]:
        """All of Customerp's employees, the first of them recorded everywhere; then those of Exact's payroll only."""
        count = options.employees
        both = round(count * options.overlap)
        # The same number of people in both places of Exact, but not the same people, except for the first half.
        as_contacts = set(range(both))
        on_payroll = set(range(both - both // 2)) | set(range(count - both // 2, count))
        found = [self._employee(index, index in as_contacts, index in on_payroll) for index in range(count)]
        return found + [self._stranger() for _ in range(exact_only(count, both))]

    def _truth(self, name: Name, country: Country) -> Values:
        source = self._source
        today = source.until.date()
        started = today - timedelta(days=source.random.randrange(60, 15 * 365))
        left = started + timedelta(days=source.random.randrange(30, 900)) if source.chance(0.1) else None
        return {
            **person(source, name, country),
            "Email": f"{name.local}@{self._employer.domain}",
            "PrivateEmail": f"{name.local}@{_PRIVATE_DOMAIN}",
            "BirthDate": birth_date(source),
            "StartDate": started.isoformat(),
            "EndDate": left.isoformat() if left is not None and left < today else None,
        }

    def _employee(self, index: int, as_contact: bool, on_payroll: bool) -> Employee:
        source, country = self._source, self._source.country()
        truth = self._truth(self._names.make(country, self._employer.domain), country)
        self._customerp += 1
        values = {
            **truth,
            "Number": str(_FIRST_NUMBER - 1 + self._customerp),
            "Department": source.pick(WORDS.departments),
        }
        own = Draft(record_key("employee", self._customerp), values, source.moment())
        person_id = source.guid()
        pair = Pair(own, self._as_contact(truth, person_id, country) if as_contact else None)
        payroll = self._on_payroll(own, person_id, index % 3) if on_payroll else None
        self._part(pair, country)
        return Employee(pair, payroll, country)

    def _as_contact(self, truth: Values, person_id: str, country: Country) -> Draft | None:
        account = self._employer.pair.exact
        if account is None:
            return None
        source = self._source
        values: Values = {
            **in_exact(truth, _CONTACT_NAMES),
            "Account": account.key,
            "Person": person_id,
            "Language": country.code,
            "Notes": source.pick(country.remarks) if source.chance(0.2) else None,
        }
        respell(source, values, 0.3, {"BusinessEmail": spelling.respell_email, "Phone": spelling.respell_phone})
        return Draft(source.guid(), values, source.moment())

    def _on_payroll(self, own: Draft, person_id: str, matched_by: int) -> Draft:
        """Exact's employee of one of ours: found by number (0), e-mail address (1), or name and day of birth (2)."""
        draft = self._payroll_record(own.values, person_id)
        if matched_by == 0:
            draft.values["EmployeeHID"] = int(own.values["Number"])
        else:
            own.values["Number"] = None
        if matched_by == 2:
            draft.values["BusinessEmail"] = None
        return draft

    def _payroll_record(self, truth: Mapping[str, object], person_id: str) -> Draft:
        source = self._source
        self._payroll += 1
        values: Values = {
            **{exact: truth.get(own) for own, exact in _PAYROLL_NAMES.items()},
            "EmployeeHID": _FIRST_HID - 1 + self._payroll,
            "Code": str(self._payroll),
            "Person": person_id,
            "IsActive": truth.get("EndDate") is None,
            "Gender": source.pick(("M", "V")),
            "City": source.country().cities[0][0],
        }
        return Draft(source.guid(), values, source.moment())

    def _stranger(self) -> Employee:
        country = self._source.country()
        truth = self._truth(self._names.make(country, self._employer.domain), country)
        return Employee(Pair(None, None), self._payroll_record(truth, self._source.guid()), country)

    def _part(self, pair: Pair, country: Country) -> None:
        source = self._source
        lose(source, pair, _CONTACT_NAMES, ("Phone", "Mobile", "JobTitle"))
        drift(
            source,
            pair,
            _CONTACT_NAMES,
            {
                "Mobile": lambda: source.phone(country, mobile=True),
                "JobTitle": lambda: source.pick(country.job_titles),
            },
        )


def person(source: Source, name: Name, country: Country) -> Values:
    """What Customerp holds of any person: name, telephone numbers and job."""
    return {
        "FirstName": name.first,
        "MiddleName": name.middle,
        "LastName": name.last,
        "Phone": source.phone(country) if source.chance(0.7) else None,
        "Mobile": source.phone(country, mobile=True) if source.chance(0.8) else None,
        "JobTitle": source.pick(country.job_titles),
    }


def birth_date(source: Source) -> str:
    """A day of birth of somebody of working age."""
    day = source.until.date() - timedelta(days=source.random.randrange(20 * 365, 64 * 365))
    return day.isoformat()
