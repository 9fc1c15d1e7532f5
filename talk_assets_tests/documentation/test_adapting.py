"""The worked example of another ERP: what its page shows is what that ERP answers, and what its profile says."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from talk_assets_tests.installed import ROOT
from talk_assets_tests.systems.customerp.nordlys import SECRET, Nordlys
from talk_assets_tests.systems.loopback import loopback

PAGE = (ROOT / "docs/adapting.md").read_text()
PROFILE = Path(ROOT / "docs/customerp-profile-example.yaml").read_text()


def shown(language: str) -> list[str]:
    """The fenced blocks of a language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def erp() -> Nordlys:
    """The ERP with the records of the page."""
    made = Nordlys()
    address = {"street": "Stationsweg 141", "postalCode": "2492TR", "town": "Den Haag", "countryCode": "NL"}
    known = {"relationNo": "10020", "organizationNumber": "50178650", "email": "post@vandijkbouw.example"}
    own = {"address": address, "creditLimit": "2500.00", "colour": "blue"}
    customer = made.add("relations", companyName="Van Dijk Bouw B.V.", **known, **own)
    made.add("relations", companyName="Bos Beveiliging Holding B.V.")
    article = made.add("articles", articleNo="A-1", name="Slang")
    row = {"articleId": article, "description": "Slang", "quantity": "2", "unitPrice": "12.50"}
    dated = {"quoteDate": "14-02-2024", "currency": "EUR"}
    made.add("offers", number="O-7", relation={"id": customer}, **dated, rows=[row])
    made.add("relations", companyName="Ter Horst Food V.O.F.")
    return made


def test_the_erp_answers_what_the_page_shows(erp: Nordlys) -> None:
    """Somebody learns from answers that no profile would read."""
    headers = {"X-Api-Key": SECRET, "X-Company": "7"}
    with loopback(erp) as server, httpx.Client(base_url=f"{server.url}/api/v2/", headers=headers) as http:
        listed = http.get("relations", params={"kind": "customer", "pageSize": 2})
        offers = http.get("offers")
        refused = http.put("relations/1", json={"data": {"email": "info@vandijkbouw.example"}})
        missing = http.get("relations/99")
    answers: list[Any] = [listed.json(), offers.json()["data"][0], refused.json(), missing.json()]
    assert [refused.status_code, missing.status_code] == [400, 403]
    assert [json.loads(text) for text in shown("json")] == answers


def test_the_profile_says_what_the_page_shows() -> None:
    """A line is copied from the page that the profile, which is tested, does not have."""
    for block in shown("yaml"):
        assert block in PROFILE
    told = {line for block in shown("yaml") for line in block.splitlines()}
    lines = (line for line in PROFILE.partition("entities:")[0].splitlines() if line and not line.startswith("#"))
    assert set(lines) <= told, "not gone through on the page"
