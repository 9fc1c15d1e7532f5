"""Reading mapping files: every mistake is named with file, line and field."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.errors import MappingError
from talk_assets.mappings.load import PACKAGED_MAPPINGS, SUBJECTS, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets_tests.mappings.broken import CAPABILITIES, Broken, assert_named, copy_mappings, replace

MEMBER_NAME = "      exact.accounts: {name: Name}"
NAME = "properties.name.members.exact.accounts"
CONTACT = "      exact.quotations: {name: OrderAccountContact, entity: exact.contacts}"
BROKEN = [
    Broken(
        "syntax",
        "organisation",
        "  name:\n",
        "  name: {\n",
        "    members:\n      customerp.customer: {name: Name}",
        "",
        "this is no YAML",
    ),
    Broken(
        "key twice",
        "organisation",
        "  vat_number:",
        "  name:",
        "  name:\n    type: code\n    compare",
        "properties.name",
        "already given on line",
    ),
    Broken(
        "unknown key of a member",
        "organisation",
        "only_digits",
        "only_digit",
        "only_digit:",
        "properties.number.members.exact.accounts.only_digit",
        "did you mean only_digits?",
    ),
    Broken(
        "flows that are left out",
        "organisation",
        "\nflows:\n",
        "\nleft_out: [[customerp.customer, exact.accounts]]\nflows:\n",
        "left_out:",
        "left_out",
        "the flows to leave out are named by TALK_LEAVE_OUT",
    ),
    Broken(
        "unknown key of a property",
        "organisation",
        "    group: address\n    meaning: Street",
        "    grp: address\n    meaning: Street",
        "    grp:",
        "properties.address_line1.grp",
        "did you mean group?",
    ),
    Broken(
        "unknown key of a flow",
        "organisation",
        "    criteria:",
        "    criterions:",
        "    criterions:",
        "flows.customer_accounts.criterions",
        "did you mean criteria?",
    ),
    Broken(
        "unknown key of a criterion",
        "organisation",
        "{property: vat_number}",
        "{name: vat_number}",
        "{name: vat_number}",
        "flows.customer_accounts.criteria[1][0].name",
        "known are property, compare",
    ),
    Broken(
        "unknown key of a subject",
        "organisation",
        "constants:",
        "constant:",
        "constant:",
        "constant",
        "did you mean constants?",
    ),
    Broken(
        "unknown key of lines",
        "sales_document",
        "  subject: sales_line\n",
        "  subject: sales_line\n  kind: x\n",
        "  kind: x",
        "lines.kind",
        "unknown key",
    ),
    Broken("missing key", "organisation", "subject: organisation\n", "", "", "subject", "missing"),
    Broken(
        "unknown type",
        "organisation",
        "type: country",
        "type: contry",
        "type: contry",
        "properties.country.type",
        "written is contry",
    ),
    Broken(
        "unknown direction",
        "product",
        "direction: to_customerp",
        "direction: to_costumerp",
        "to_costumerp",
        "properties.sales_price.direction",
        "'to_customerp'",
    ),
    Broken(
        "no number",
        "product",
        "    scale: 4\n    direction: to",
        "    scale: four\n    direction: to",
        "scale: four",
        "properties.sales_price.scale",
        "integer",
    ),
    Broken(
        "no member",
        "organisation",
        MEMBER_NAME,
        "      exact.accounts:",
        "      exact.accounts:\n  registration",
        NAME,
        "valid dictionary",
    ),
    Broken(
        "reference to nothing",
        "sales_document",
        "    to: person\n",
        "",
        "  contact:",
        "properties.contact",
        "type reference",
    ),
    Broken(
        "order forgotten",
        "organisation",
        "    type: email\n",
        "    type: email\n    rule: owner\n",
        "  email:",
        "properties.email",
        "needs `order`",
    ),
    Broken(
        "reference to no subject",
        "person",
        "    to: organisation",
        "    to: organization",
        "to: organization",
        "properties.organisation.to",
        "did you mean organisation?",
    ),
    Broken(
        "reference to another entity",
        "sales_document",
        CONTACT,
        CONTACT.replace("exact.contacts", "exact.accounts"),
        "entity: exact.accounts",
        "properties.contact.members.exact.quotations.entity",
        "no entity of person",
    ),
    Broken(
        "entity of no reference",
        "organisation",
        MEMBER_NAME,
        "      exact.accounts: {name: Name, entity: exact.accounts}",
        "entity:",
        f"{NAME}.entity",
        "belongs to type reference",
    ),
    Broken(
        "circle",
        "organisation",
        "  website:\n",
        "  website:\n    type: reference\n    to: sales_document\n",
        "",
        "",
        "in a circle",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.what)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, broken: Broken) -> None:
    """A team would get a stack trace that names neither file nor line, or a misspelt option would be ignored."""
    assert_named(broken, tmp_path)


def test_a_copy_of_the_shipped_files_reads_the_same(tmp_path: Path) -> None:
    """A team that starts from a copy (TALK_MAPPINGS) would get another sync before it changed anything."""
    assert load_mappings(copy_mappings(tmp_path), CAPABILITIES) == load_mappings(None, CAPABILITIES)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """A folder without one of the files would quietly stop the sync of its subject."""
    (copy_mappings(tmp_path) / f"{name}.yaml").unlink()
    with pytest.raises(MappingError, match=rf"has the subject {name}; copy {name}\.yaml") as caught:
        load_mappings(tmp_path, CAPABILITIES)
    assert caught.value.path == tmp_path


def test_a_subject_is_declared_once(tmp_path: Path) -> None:
    """Of a file and its backup copy one would silently win."""
    copy_mappings(tmp_path)
    (tmp_path / "person.yaml").rename(tmp_path / "zz.yml")
    (tmp_path / "another.yaml").write_bytes((tmp_path / "zz.yml").read_bytes())
    with pytest.raises(MappingError, match=r"zz\.yml:\d+: subject: person is already the subject of another\.yaml"):
        load_mappings(tmp_path, CAPABILITIES)


def test_an_entity_belongs_to_one_subject(tmp_path: Path) -> None:
    """A record would get two golden records that overwrite each other."""
    copy_mappings(tmp_path)
    text = (tmp_path / "product.yaml").read_text(encoding="utf-8")
    text = text.replace("subject: product", "subject: service").replace("  product_items:", "  service_items:")
    (tmp_path / "service.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        MappingError, match=r"service\.yaml:\d+: .*customerp\.product belongs to subject product already"
    ):
        load_mappings(tmp_path, CAPABILITIES)


def test_documents_need_their_lines(tmp_path: Path) -> None:
    """Quotations would be planned without lines, and Exact refuses each of them."""
    path = copy_mappings(tmp_path) / "sales_document.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("\nlines:")], encoding="utf-8")
    with pytest.raises(MappingError, match=r"customerp\.quote has lines, but no flow under `lines` has"):
        load_mappings(tmp_path, CAPABILITIES)


def test_a_create_needs_one_of_its_alternatives(tmp_path: Path) -> None:
    """Contacts without any name would be planned, and Exact refuses each of them."""
    path = copy_mappings(tmp_path) / "person.yaml"
    for name in ("FirstName", "LastName"):
        replace(path, f"exact.contacts: {{name: {name}}}", f"exact.contacts: {{name: {name}, write: never}}")
    with pytest.raises(MappingError, match="refuses a new record without FirstName or LastName"):
        load_mappings(tmp_path, CAPABILITIES)


def test_norway_and_codes_stay_text(tmp_path: Path) -> None:
    """Constants and codes would reach the books as `False` or without their leading zero."""
    copy_mappings(tmp_path)
    replace(tmp_path / "organisation.yaml", "{Status: C}", "{Status: C, ID: NO}")
    replace(tmp_path / "product.yaml", "          pc: piece", "          on: piece\n          010: piece")
    capabilities = dict(CAPABILITIES)
    accounts = capabilities["exact.accounts"]
    free = accounts.properties["Email"]
    capabilities["exact.accounts"] = accounts.model_copy(update={"properties": {**accounts.properties, "ID": free}})
    mappings = load_mappings(tmp_path, capabilities)
    assert mappings.subjects["organisation"].constants["exact.accounts"]["ID"] == "NO"
    assert list(mappings.subjects["product"].properties["unit"].members["exact.items"].values or {})[:2] == [
        "on",
        "010",
    ]


def test_several_codes_for_one_meaning_are_fine(tmp_path: Path) -> None:
    """A second unit code of an administration could not be declared."""
    replace(copy_mappings(tmp_path) / "product.yaml", "          pc: piece", "          pc: piece\n          st: piece")
    values = load_mappings(tmp_path, CAPABILITIES).subjects["product"].properties["unit"].members["exact.items"].values
    assert [code for code, shared in (values or {}).items() if shared == "piece"] == ["pc", "st"]


LINES = [(name, at) for name in SUBJECTS for at in range((PACKAGED_MAPPINGS / f"{name}.yaml").read_text().count("\n"))]


@settings(max_examples=40, deadline=None)
@given(place=st.sampled_from(LINES), twice=st.booleans(), indent=st.sampled_from(["", "  ", "    "]))
def test_any_slip_is_survived_or_named(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, int], twice: bool, indent: str
) -> None:
    """A line lost, doubled or indented wrongly in a pull request would end in a stack trace."""
    folder = copy_mappings(tmp_path_factory.mktemp("mappings"))
    name, at = place
    path = folder / f"{name}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[at : at + 1] = [lines[at], indent + lines[at].strip()] if twice else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        result: Mappings | MappingError = load_mappings(folder, CAPABILITIES)
    except MappingError as error:
        result = error
    if isinstance(result, MappingError):
        assert str(folder) in str(result)
    else:
        assert set(result.subjects) == set(SUBJECTS)
