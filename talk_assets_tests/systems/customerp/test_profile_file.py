"""Mistakes in a profile file are told with file, line and field."""

from pathlib import Path

import pytest

from talk_assets.errors import ConfigurationError, MappingError
from talk_assets.mappings.capabilities import Capabilities
from talk_assets.systems.customerp.dialect import dialects
from talk_assets.systems.customerp.profile_file import load_profile

MISTAKES = [
    ("foo: 1\n", 1, "foo", "unknown key; known are base_path"),
    ("paging:\n  style: cursor\n  parmeter: x\n", 3, "paging.parmeter", "did you mean parameter?"),
    ("paging:\n  size: 5\n", 1, "paging.style", "missing"),
    ("authentication: {kind: digest}\n", 1, "authentication", "'bearer'"),
    ("changes:\n  # by time\n  style: modified_since\n", 1, "changes.parameter", "missing"),
    ("changes:\n  style: modified_since\n  parameter: a\n  value: b\n", 4, "changes.value", "since"),
    ("entities:\n  customr: {}\n", 2, "entities.customr", "'customer'"),
    ("entities:\n  customer:\n    nmes: {}\n", 3, "entities.customer.nmes", "did you mean names?"),
    ("entities:\n  quote:\n    changes: {style: none, x: y}\n", 3, "entities.quote.changes.x", "known are style"),
    ("entities:\n  customer:\n    list: customers\n", 3, "entities.customer.list", "does not start with '/'"),
    ("entities:\n  customer:\n    one: /customers\n", 3, "entities.customer.one", "needs {key}"),
    ("entities:\n  customer:\n    list: '/x/{id}'\n", 3, "entities.customer.list", "{id}"),
    ("entities:\n  customer:\n    names: {Id: x}\n", 2, "entities.customer", "Id is set by `key`"),
    ("entities:\n  customer:\n    names: {Name: x, City: x}\n", 2, "entities.customer", "same name"),
    ("entities:\n  quote_line:\n    list: /lines\n", None, "", "under `lines`"),
    ("entities:\n  customer:\n    limits: {Naem: {}}\n", 3, "entities.customer.limits.Naem", "did you mean Name?"),
    ("entities:\n  customer:\n    limits: {Name: {max: 9}}\n", 3, "entities.customer.limits.Name.max", "max_length"),
    ("update:\n  method: GET\n", 2, "update.method", "written is GET"),
    ("formats:\n  date: dd-mm-yyyy\n", 2, "formats.date", "%d-%m-%Y"),
    ("formats:\n  time_zone: Amsterdam\n", 2, "formats.time_zone", "Europe/Amsterdam"),
    ("lines:\n  one: /lines\n", 2, "lines.one", "needs {key}"),
    ("envelope: {next: null}\n", None, "", "`envelope.next`"),
    ("envelope: {token: null}\n", None, "", "`envelope.token`"),
    ("modified: null\nchanges: {style: modified_since, parameter: x}\n", None, "", "`modified`"),
    (
        "formats: {time_zone: Europe/Amsterdam}\nchanges: {style: modified_since, parameter: x}\n",
        None,
        "",
        "overlap_seconds: 3600",
    ),
    ("deletions:\n  entities: {klant: customers}\n", 2, "deletions.entities.klant", "'customer'"),
    ("authentication: {kind: header_key, header: 'X Key'}\n", 1, "authentication.header", "pattern"),
    ("base_path: api/\n", 1, "base_path", "pattern"),
]


@pytest.mark.parametrize(("text", "line", "field", "problem"), MISTAKES)
def test_a_mistake_is_named_where_it_is(text: str, line: int | None, field: str, problem: str, tmp_path: Path) -> None:
    """A misspelt setting would silently leave the contract's way of doing things in force."""
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(MappingError) as caught:
        load_profile(path)
    assert (caught.value.line, caught.value.field) == (line, field)
    assert problem in caught.value.problem
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entities: {customer: {names: {Nmae: x}}}\n", "did you mean Name?"),
        ("entities: {quote_line: {types: {Colour: text}}}\n", "entities.quote_line.types: customerp.quote_line has no"),
    ],
)
def test_properties_that_do_not_exist_are_named(
    text: str, said: str, tmp_path: Path, capabilities: Capabilities
) -> None:
    """A misspelt property would be read from where it is not, and look empty for every record."""
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        dialects(load_profile(path), capabilities, None)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_settings_of_one_entity_leave_the_others(tmp_path: Path, capabilities: Capabilities) -> None:
    """One entity that is built differently would need the whole profile written six times."""
    path = tmp_path / "profile.yaml"
    path.write_text(
        "base_path: /api\n"
        "spelling: snake_case\n"
        "envelope: {items: rows}\n"
        "entities:\n"
        "  quote: {list: /offers, envelope: {record: offer}, update: {method: PUT}, lines: {path: '/offer-rows'}}\n"
        "  customer:\n"
        "    create: {path: /new-customer, method: PUT}\n"
        "    update: {path: '/edit/{key}'}\n"
        "    delete: {path: '/rm/{key}'}\n"
    )
    spoken = dialects(load_profile(path), capabilities, {"customerp.quote": ["Number"]})
    quote, order = spoken["customerp.quote"], spoken["customerp.order"]
    assert (quote.envelope.items, quote.envelope.record, order.envelope.record) == ("rows", "offer", "")
    assert (quote.update.whole, order.update.whole) == (True, False)
    assert (quote.path_of("1/2"), order.path_of("3")) == ("/api/offers/1%2F2", "/api/orders/3")
    customer = spoken["customerp.customer"]
    assert (customer.create.path, customer.create.method) == ("/api/new-customer", "PUT")
    assert (customer.update.path, customer.delete.path) == ("/api/edit/{key}", "/api/rm/{key}")
    assert (order.create.path, order.create.method, order.update.path) == ("/api/orders", "POST", "/api/orders/{key}")
    assert (quote.lines_path("7"), order.lines_path("7")) == ("/api/offer-rows", "/api/orders/7/lines")
    assert quote.line_path("7", "8") == "/api/offers/7/lines/8"
    assert order.shape.names["CustomerReference"] == "customer_reference"
    assert list(quote.shape.wanted) == ["Number"]
