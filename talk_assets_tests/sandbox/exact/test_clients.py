"""Clients that others wrote for the real Exact, used on the sandbox as their own documentation says.

`exactonline` (ossobv) takes any addresses, if they are https ones: so TLS ends in front of the sandbox here, with a
certificate of this test's own. By hand the same was done with further clients; docs/decisions.md names them.
"""

import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import exactonline.http
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from exactonline.api import ExactApi
from exactonline.exceptions import ObjectDoesNotExist
from exactonline.resource import GET, POST, PUT
from exactonline.storage.ini import IniStorage

from talk_assets_tests.sandbox.exact.site import DIVISION, Site, encrypted, running

SETTINGS = """
[server]
auth_url = {address}/api/oauth2/auth
rest_url = {address}/api
token_url = {address}/api/oauth2/token

[application]
base_url = https://localhost/callback
client_id = app
client_secret = app-secret
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine and its key, as files."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    return certificate, secret


@pytest.fixture
def site() -> Iterator[Site]:
    """Exact with its own limits, to which the client has to log in by itself."""
    with running(calls_per_minute=60, calls_per_day=5000, errors_per_hour=10) as site:
        yield site


@pytest.fixture
def api(site: Site, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[ExactApi]:
    """The client, logged in by the code that a person's browser brings back."""
    with encrypted(*certificate) as address:
        monkeypatch.setattr(exactonline.http.opt_secure, "cacert_file", str(certificate[0]))
        api = ExactApi(storage=IniStorage(io.StringIO(SETTINGS.format(address=address))))
        api.request_token(allowed(api.create_auth_request_url(), certificate[0]))
        api.set_division(DIVISION)
        yield api


def allowed(address: str, certificate: Path) -> str:
    """What a person does with the address of the login page: opens it, and presses its button."""
    with httpx.Client(verify=str(certificate)) as browser:
        page = browser.get(address)
        button = re.search(r'action="([^"]+)"', page.text)
        assert button is not None, page.text
        back = browser.post(str(page.url.join(html.unescape(button[1]))))
    return parse_qs(urlsplit(back.headers["location"]).query)["code"][0]


def test_exactonline_reads_accounts_over_pages(site: Site, api: ExactApi) -> None:
    """A client that people have in use would see a part of the accounts, or none."""
    for n in range(130):
        site.state.add("Accounts", {"Name": f"Klant {n:03}", "Status": "C"})
    rows = api.relations.filter(filter="Status eq 'C'", select="ID,Name")
    assert sorted(row["Name"] for row in rows) == [f"Klant {n:03}" for n in range(130)]
    one = api.relations.get(relation_code="28")
    assert (one["Name"], one["Code"]) == ("Klant 027", "28".rjust(18))
    with pytest.raises(ObjectDoesNotExist):
        api.relations.get(relation_code="999")


def test_exactonline_creates_reads_changes_and_deletes(site: Site, api: ExactApi) -> None:
    """What the client writes would be something else for the sandbox, or its answers be no answers for the client."""
    account = api.relations.create({"Name": "'t Hof & Zn", "Country": "NL", "StartDate": "2024-01-31T00:00:00Z"})
    key = account["ID"]

    def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = api.restv1(GET(f"crm/Accounts?$filter=ID+eq+guid'{key}'&$select=Name,City"))
        return rows

    assert read()[0]["Name"] == "'t Hof & Zn"
    api.relations.update(key, {"City": "Delft"})
    assert (read()[0]["Name"], read()[0]["City"]) == ("'t Hof & Zn", "Delft")
    api.relations.delete(key)
    assert read() == []
    with pytest.raises(exactonline.http.HTTPError) as gone:
        api.relations.delete(key)
    assert gone.value.code == 403
    with pytest.raises(exactonline.http.HTTPError) as refused:
        api.relations.create({"City": "Delft"})
    assert (refused.value.code, b"Verplicht: Name" in refused.value.response) == (500, True)


def test_exactonline_writes_a_document_and_follows_the_link_to_its_lines(site: Site, api: ExactApi) -> None:
    """Documents would be without lines for a client that follows the links it is given."""
    account = site.state.add("Accounts", {"Name": "Vos"})
    item = site.state.add("Items", {"Code": "A1", "Description": "Ding", "StandardSalesPrice": 10})
    made = api.restv1(POST("salesorder/SalesOrders", {"OrderedBy": account, "SalesOrderLines": [{"Item": item}]}))
    order = api.restv1(GET(f"salesorder/SalesOrders?$filter=OrderID+eq+guid'{made['OrderID']}'"))[0]
    lines = api.restv1(GET(order["SalesOrderLines"]["__deferred"]["uri"]))
    assert [(line["LineNumber"], line["AmountFC"]) for line in lines] == [(1, 10)]
    api.restv1(PUT(f"salesorder/SalesOrderLines(guid'{lines[0]['ID']}')", {"Quantity": 3}))
    assert (
        api.restv1(GET(f"salesorder/SalesOrderLines?$filter=OrderID+eq+guid'{made['OrderID']}'"))[0]["AmountFC"] == 30
    )


def test_exactonline_refreshes_its_token_in_time(site: Site, api: ExactApi) -> None:
    """A client would be locked out after ten minutes: it renews with less than thirty seconds left."""
    first = api.storage.get_refresh_token()
    api.storage.set_access_expiry(0)
    with pytest.raises(exactonline.http.HTTPError) as early:
        api.contacts.filter(top=1)
    assert b"access_token not expired" in early.value.response
    site.clock.advance(seconds=571)
    assert api.contacts.filter(top=1) == []
    assert api.storage.get_refresh_token() != first
