"""What an ERP can take is as its profile says, also where that is less than the contract says."""

from pathlib import Path

from talk_assets.declared import load_declared
from talk_assets.mappings.load import load_capabilities
from talk_assets.settings import load_settings

PROFILE = """
delete: {allowed: false}
entities:
  customer:
    delete: {allowed: true}
    limits: {Name: {max_length: 40}, VatNumber: {required: true}, Notes: {max_length: null}}
  order_line:
    limits: {Remark: {write: never}}
"""


def test_a_profile_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Values are cut or refused by limits that this ERP does not have, and an upgrade brings them back."""
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE)
    settings = load_settings(()).model_copy(update={"customerp_profile": path})
    _, able = load_declared(settings)
    contract = load_capabilities()
    customer = able["customerp.customer"].properties
    assert (customer["Name"].max_length, customer["Name"].required) == (40, True)
    assert (customer["VatNumber"].max_length, customer["VatNumber"].required) == (30, True)
    assert customer["Notes"].max_length is None
    assert able["customerp.order_line"].properties["Remark"].write == "never"
    assert able["customerp.customer"].no_delete is None
    assert path.name in str(able["customerp.order"].no_delete)
    named = {"Name", "VatNumber", "Notes"}
    assert {n: each for n, each in customer.items() if n not in named} == {
        n: each for n, each in contract["customerp.customer"].properties.items() if n not in named
    }
    assert {n: each for n, each in able.items() if n.startswith("exact")} == {
        n: each for n, each in contract.items() if n.startswith("exact")
    }
