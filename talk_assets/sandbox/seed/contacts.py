"""People at companies: Customerp's contacts and Exact's."""

from dataclasses import dataclass

from talk_assets.sandbox.customerp.entities import record_key
from talk_assets.sandbox.seed import spelling
from talk_assets.sandbox.seed.employees import PERSON_NAMES, Employee, birth_date, person
from talk_assets.sandbox.seed.model import Draft, Pair, Values
from talk_assets.sandbox.seed.names import Name, NameMaker
from talk_assets.sandbox.seed.options import SeedOptions
from talk_assets.sandbox.seed.organisations import Company
from talk_assets.sandbox.seed.pairing import Place, drift, in_exact, lose, places, respell
from talk_assets.sandbox.seed.source import Source

_NAMES = {**PERSON_NAMES, "Email": "Email", "JobTitle": "JobTitleDescription"}
# So many employees are also a contact of their employer, in both systems.
_ALSO_CONTACTS = 3


@dataclass(slots=True)
class Contact:
    """A person at a company; `alone`: no other contact shares the e-mail address, so that the match is certain."""

    pair: Pair
    company: Company
    alone: bool = True


class ContactMaker:
    """Makes the contacts of all companies."""

    def __init__(self, source: Source, names: NameMaker) -> None:
        self._source = source
        self._names = names
        self._made = 0

    def make(self, options: SeedOptions, companies: list[Company], employees: list[Employee]) -> list[Contact]:
        """First the employees who are contacts of the employer too, then everybody else."""
        employer, others = companies[0], companies[1:]
        found: list[Contact] = []
        if employer.pair.customerp is not None:
            known = [employee for employee in employees if employee.pair.shared and employee.payroll is not None]
            customer = employer.pair.customerp.key
            found = [
                self._of_employee(one, employer, customer) for one in known[: min(_ALSO_CONTACTS, options.contacts)]
            ]
        linkable = [company for company in others if company.linkable]
        in_customerp = [company for company in others if company.pair.customerp is not None] or [employer]
        with_account = [company for company in companies if company.pair.exact is not None]
        for place in places(self._source, options.contacts - len(found), options.overlap):
            if place == "both" and linkable:
                found.append(self._contact(self._source.pick(linkable), "both"))
            elif place == "exact":
                found.append(self._contact(self._source.pick(with_account), "exact"))
            else:
                found.append(self._contact(self._source.pick(in_customerp), "customerp"))
        _share_email_addresses([one for one in found if one.company is not employer], options.duplicates)
        return found

    def _key(self) -> str:
        self._made += 1
        return record_key("contact", self._made)

    def _of_employee(self, employee: Employee, employer: Company, customer: str) -> Contact:
        """The contact that an employee is as well, under the private e-mail address that Exact's contact has."""
        own = employee.pair.customerp.values if employee.pair.customerp is not None else {}
        values = {
            **{name: own.get(name) for name in (*PERSON_NAMES, "JobTitle")},
            "Email": own.get("PrivateEmail"),
            "CustomerId": customer,
            "Newsletter": True,
            "Notes": None,
        }
        return Contact(Pair(Draft(self._key(), values, self._source.moment()), employee.pair.exact), employer)

    def _contact(self, company: Company, place: Place) -> Contact:
        source = self._source
        name = self._names.make(company.country, company.domain)
        truth: Values = {
            **person(source, name, company.country),
            "Email": f"{name.local}@{company.domain}",
            "BirthDate": birth_date(source) if source.chance(0.3) else None,
        }
        pair = Pair(None, None)
        if place != "exact" and company.pair.customerp is not None:
            pair.customerp = self._customerp(truth, company, company.pair.customerp.key)
        if place != "customerp" and company.pair.exact is not None:
            pair.exact = self._exact(truth, company, company.pair.exact.key)
        self._part(pair, company, name)
        return Contact(pair, company)

    def _customerp(self, truth: Values, company: Company, customer: str) -> Draft:
        source = self._source
        values = {
            **truth,
            "CustomerId": customer,
            "Newsletter": source.pick((True, False, None)),
            "Notes": source.pick(company.country.remarks) if source.chance(0.2) else None,
        }
        return Draft(self._key(), values, source.moment())

    def _exact(self, truth: Values, company: Company, account: str) -> Draft:
        source = self._source
        values = {
            **in_exact(truth, _NAMES),
            "Account": account,
            "Gender": source.pick(("M", "V", "O")),
            "Initials": f"{truth['FirstName'][0]}.",
            "Language": company.country.code,
            "Notes": source.pick(company.country.remarks) if source.chance(0.2) else None,
        }
        return Draft(source.guid(), values, source.moment())

    def _part(self, pair: Pair, company: Company, name: Name) -> None:
        """Let the two records differ, but never in both the e-mail address and the name."""
        source = self._source
        if pair.customerp is None or pair.exact is None:
            return
        if source.chance(0.4):
            side = source.pick((pair.customerp.values, pair.exact.values))
            other = f"{name.local.replace('.', '')}@{company.domain}"
            side["Email"] = None if source.chance(0.6) else other
            respell(source, pair.exact.values, 0.2, {"LastName": spelling.respell_text})
        else:
            if source.chance(0.2):
                pair.exact.values["FirstName"] = f"{name.first[0]}."
            respell(source, pair.exact.values, 0.35, {"Email": spelling.respell_email})
        lose(source, pair, _NAMES, ("Phone", "Mobile", "JobTitle", "BirthDate"))
        drift(
            source,
            pair,
            _NAMES,
            {
                "Phone": lambda: source.phone(company.country),
                "Mobile": lambda: source.phone(company.country, mobile=True),
                "JobTitle": lambda: source.pick(company.country.job_titles),
            },
        )
        respell(source, pair.exact.values, 0.3, {"Phone": spelling.respell_phone, "Mobile": spelling.respell_phone})


def _share_email_addresses(contacts: list[Contact], wanted: int) -> None:
    """Give some of Customerp's contacts the e-mail address of another contact of the same customer."""
    first_at: dict[str, Contact] = {}
    for contact in contacts:
        own = contact.pair.customerp
        if wanted == 0:
            return
        if own is None or own.values["Email"] is None:
            continue
        original = first_at.setdefault(own.values["CustomerId"], contact)
        if original is contact or not original.alone or contact.pair.shared or original.pair.customerp is None:
            continue
        own.values["Email"] = original.pair.customerp.values["Email"]
        original.alone = contact.alone = False
        wanted -= 1
