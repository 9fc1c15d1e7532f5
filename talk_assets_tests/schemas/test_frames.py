"""The models of feed, pair and golden frames, and what people are told about them."""

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.schemas.frames import feed_schema, golden_schema, is_line, pair_schema, subject_named
from talk_assets.schemas.report import COLUMNS, failures, table_schema
from talk_assets.sync.convert import to_canonical

CAPABILITIES = load_capabilities()
MAPPINGS = load_mappings(None, CAPABILITIES)
CUSTOMER: dict[str, Any] = {
    "_key": "c1", "_modified": "2024-01-31T10:00:00.123456+00:00", "_version": "7",
    "Number": "100", "Name": "Bakker BV", "OrganizationNumber": "12345678", "VatNumber": "NL001234567B01",
    "Email": "info@bakker.example", "Phone": "020 1234567", "Website": None, "Address1": "Dam 1", "Address2": None,
    "ZipCode": "1012 JS", "City": "Amsterdam", "Country": "nl",
}  # fmt: skip


def canonical(entity: str, *records: dict[str, Any]) -> pd.DataFrame:
    return to_canonical(pd.DataFrame(list(records), dtype="object"), entity, MAPPINGS)


def customers(*changes: dict[str, Any]) -> pd.DataFrame:
    return canonical("customerp.customer", *({**CUSTOMER, "_key": f"c{at}", **c} for at, c in enumerate(changes, 1)))


def empty_frame(schema: pa.DataFrameSchema) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str(column.dtype)) for name, column in schema.columns.items()})


@pytest.mark.parametrize("entity", CAPABILITIES)
def test_every_entity_has_a_model_with_its_properties(entity: str) -> None:
    """A property would be stored without ever being checked."""
    schema = feed_schema(entity, MAPPINGS)
    held = list(MAPPINGS.subject_of(entity).held_by(entity))
    own = ["key", "modified", "version"] + (["document", "position"] if CAPABILITIES[entity].document else [])
    own += ["join"] if entity == "customerp.order" else []
    assert list(schema.columns) == own + held
    assert is_line(entity, MAPPINGS) == (CAPABILITIES[entity].document is not None)
    assert failures(schema, empty_frame(schema)).empty


def test_what_the_connectors_give_passes_when_it_is_right() -> None:
    """Good records would be held back in every sync."""
    assert failures(feed_schema("customerp.customer", MAPPINGS), customers({}, {"Email": None, "Country": "NO"})).empty
    order = {"_key": "o1", "_modified": None, "_version": None, "Number": "1", "QuoteId": "q1", "CustomerId": "c1",
             "OrderDate": "2024-01-31", "Currency": "EUR", "Status": "open"}  # fmt: skip
    assert failures(feed_schema("customerp.order", MAPPINGS), canonical("customerp.order", order)).empty
    line = {"_key": "l1", "_modified": None, "_version": "9", "_document": "d1", "_position": 1, "Item": "i1",
            "Quantity": 2.5, "UnitPrice": 10, "Discount": 0.055}  # fmt: skip
    frame = canonical("exact.quotation_lines", line)
    assert frame["discount"].tolist() == ["5.5"]
    assert failures(feed_schema("exact.quotation_lines", MAPPINGS), frame).empty


def test_each_bad_value_is_told_in_a_sentence() -> None:
    """A person could not see which record and property to correct, or why it is held."""
    frame = customers(
        {},
        {"Email": "x", "Country": "Nederland"},
        {"Email": "info@bakker.example"},
        {"Email": "a@b, c@d"},
    ).set_index(pd.Index([7, 7, 7, 7]))
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert list(found.columns) == list(COLUMNS)
    assert found.to_dict("records") == [
        {"key": "c2", "property": "email", "value": "x", "problem": "Email: 'x' is not an e-mail address."},
        {
            "key": "c2",
            "property": "country",
            "value": "NEDERLAND",
            "problem": "Country: 'NEDERLAND' is not a two-letter country code.",
        },
        {
            "key": "c4",
            "property": "email",
            "value": "a@b, c@d",
            "problem": "Email: 'a@b, c@d' is not an e-mail address.",
        },
    ]


def test_what_is_no_single_value_is_held() -> None:
    """A list of phone numbers would be written into the other books in brackets, and a flag as a word."""
    frame = customers(
        {"Name": {"nl": "Bakker"}},
        {"Phone": ["1", "2"], "City": True},
        {"Country": ["NL"], "Email": ["a@b.nl"]},
        {"Name": 12, "Phone": "[1]", "City": None},
    )
    assert frame["city"].tolist()[3] == "", "sent without a value, not left out"
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert found[["key", "value", "problem"]].to_numpy().tolist() == [
        ["c1", '{"nl": "Bakker"} (not one value)', """Name: '{"nl": "Bakker"} (not one value)' is no text."""],
        ["c2", '["1", "2"] (not one value)', """Phone: '["1", "2"] (not one value)' is no text."""],
        ["c2", "true (not one value)", "City: 'true (not one value)' is no text."],
        ["c3", '["a@b.nl"] (not one value)', """Email: '["a@b.nl"] (not one value)' is not an e-mail address."""],
        ["c3", '["NL"] (NOT ONE VALUE)', """Country: '["NL"] (NOT ONE VALUE)' is not a two-letter country code."""],
    ]


def test_unknown_codes_are_held() -> None:
    """An Exact status or unit that is not mapped would be blanked or passed on."""
    base = {"_modified": None, "_version": None, "OrderAccount": "a"}
    frame = canonical("exact.quotations", {**base, "_key": "1", "Status": 25}, {**base, "_key": "2", "Status": 99})
    found = failures(feed_schema("exact.quotations", MAPPINGS), frame)
    assert found["key"].tolist() == ["2"]
    assert found["problem"].tolist() == [
        "Quote status: '99 (not in the value map)' is not one of rejected, closed, draft, open, sent, accepted; "
        "correct it, or add its code to the mapping's values."
    ]


def test_a_key_is_there_and_once() -> None:
    """Two records under one key would overwrite each other's base."""
    frame = customers({}, {}, {"_key": "c1"}, {})
    frame.loc[3, "key"] = None
    frame.loc[1, "key"] = ""
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert found["problem"].tolist() == [
        "Key: 'c1' occurs more than once.",
        "Key: '' is empty.",
        "Key: 'c1' occurs more than once.",
        "Key is missing.",
    ]
    assert found["key"].isna().tolist() == [False, False, False, True]


def test_a_line_names_its_document() -> None:
    """A line without a document would be matched with lines of any document."""
    frame = canonical("customerp.quote_line", {"_key": "l1", "_modified": None, "ProductId": "p", "_position": 1})
    found = failures(feed_schema("customerp.quote_line", MAPPINGS), frame)
    assert found["problem"].tolist() == ["Document is missing."]


def test_a_column_that_is_gone_or_of_another_type_is_told_once() -> None:
    """A column gone from a whole feed would look like every record having been emptied."""
    frame = customers({}, {"Country": "Nederland"}).drop(columns="email").assign(phone=[1, 2])
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert found["property"].tolist() == ["email", "phone", "country"]
    assert found["key"].isna().tolist() == [True, True, False]
    assert found["problem"].tolist()[:2] == [
        "Email: the column is missing.",
        "Phone: the column holds int64 instead of string[pyarrow].",
    ]


def test_a_type_that_no_check_can_read_does_not_hide_the_rest() -> None:
    """One column of another type would stop the whole report with an error."""
    frame = customers({}, {"Country": "Nederland"}).assign(email=[1.5, 2.5])
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert found["property"].tolist() == ["email", "country"]


def test_times_without_zone_are_refused() -> None:
    """An edit would count as one or two hours older or newer than it is, and the wrong side would win."""
    frame = customers({})
    frame["modified"] = frame["modified"].dt.tz_localize(None)
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert found["property"].tolist() == ["modified"]


def test_pairs() -> None:
    """A pair with an empty key links a record to nothing; two pairs in a cluster make it a guess which is meant."""
    schema = pair_schema("customer_accounts", MAPPINGS)
    frame = pd.DataFrame(
        {
            "customerp_key": pd.Series(["c1", None, ""], dtype="str"),
            "exact_key": pd.Series(["a1", "a2", "a3"], dtype="str"),
            "cluster_id": pd.Series([1, 2, 1], dtype="Int64"),
            "origin": pd.Series(["criterion", None, None], dtype="str"),
        }
    )
    assert failures(schema, frame.head(2)).empty
    found = failures(schema, frame)
    assert found.to_dict("records") == [
        {"key": "1", "property": "cluster_id", "value": "1", "problem": "Cluster id: '1' occurs more than once."},
        {"key": "1", "property": "customerp_key", "value": "", "problem": "Customerp key: '' is empty."},
        {"key": "1", "property": "cluster_id", "value": "1", "problem": "Cluster id: '1' occurs more than once."},
    ]
    only_exact = frame.drop(columns="origin").iloc[[1]]
    assert failures(schema, only_exact)["problem"].tolist() == ["Origin: the column is missing."]


def test_golden_records() -> None:
    """A golden value of the wrong shape would be written to every member of its cluster."""
    schema = golden_schema("sales_line", MAPPINGS)
    lines = subject_named("sales_line", MAPPINGS)
    assert list(schema.columns) == ["cluster_id", *lines.properties]
    frame = pd.DataFrame({name: pd.Series([None, None, None], dtype="str") for name in lines.properties})
    frame.insert(0, "cluster_id", np.array([4, 5, 5], dtype="int64"))
    frame["quantity"] = pd.Series(["2.5", "two", None], dtype="str")
    found = failures(schema, frame)
    assert found[["key", "problem"]].values.tolist() == [
        ["5", "Cluster id: '5' occurs more than once."],
        ["5", "Quantity: 'two' is not a number."],
        ["5", "Cluster id: '5' occurs more than once."],
    ]
    units = golden_schema("product", MAPPINGS).columns["unit"].checks[0].error
    assert units is not None
    assert units.partition(";")[0].count(",") == 12, "each shared code once"


@pytest.mark.parametrize("build", [feed_schema, pair_schema, golden_schema])
def test_unknown_names_are_refused(build: Any) -> None:
    """A misspelt name would give a model that checks nothing."""
    with pytest.raises(KeyError):
        build("nothing", MAPPINGS)


def test_every_column_is_explained() -> None:
    """Dagit would show columns without type or meaning."""
    for entity in CAPABILITIES:
        for column in table_schema(feed_schema(entity, MAPPINGS)):
            assert column.type
            assert column.description.endswith("."), column
    described = {column.name: column for column in table_schema(feed_schema("exact.accounts", MAPPINGS))}
    assert described["country"] == (
        "country", "country", "Country of the visiting address, as two-letter ISO code."
    )  # fmt: skip
    assert described["modified"].type == "time (UTC)"


values = st.sampled_from(["", "a@b", "x", "NL", "nl", "2024-01-31", "2.5"]) | st.none()


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(values, values), max_size=6), start=st.integers(-3, 3))
def test_the_report_is_the_same_as_looking_at_each_record(
    rows: list[tuple[str | None, str | None]], start: int
) -> None:
    """A bad record would slip through, or a good one be held, depending on what surrounds it."""
    frame = customers(*({} for _ in rows)) if rows else empty_frame(feed_schema("customerp.customer", MAPPINGS))
    frame["email"] = pd.Series([email for email, _ in rows], index=frame.index, dtype="str")
    frame["country"] = pd.Series([country for _, country in rows], index=frame.index, dtype="str")
    frame.index = pd.RangeIndex(start, start + len(rows))
    expected = [
        (f"c{at}", name, value)
        for at, (email, country) in enumerate(rows, 1)
        for name, value, good in (("email", email, ["", "a@b"]), ("country", country, ["", "NL"]))
        if value is not None and value not in good
    ]
    found = failures(feed_schema("customerp.customer", MAPPINGS), frame)
    assert list(found[["key", "property", "value"]].itertuples(index=False, name=None)) == expected
