"""Calls that schemathesis makes from the published contract; imported where they are made, for that takes seconds."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from talk_assets_tests.sandbox.customerp.contract import ROOT
from talk_assets_tests.sandbox.customerp.site import TOKEN, Site

SCHEMA = schemathesis.openapi.from_path(ROOT / "docs/customerp-openapi.yaml")
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
# Two checks of schemathesis ask for more than a contract can say: that whatever fits the schemas is accepted
# (references have to exist, keys to be new), and that whatever breaks one is refused for just that.
EXCLUDED = [checks.positive_data_acceptance, checks.negative_data_rejection]
RECORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "customers": ("cus-000042", {"Name": "Zonnebloem"}),
    "contacts": ("con-000107", {"LastName": "Dijk", "CustomerId": "cus-000042"}),
    "employees": ("emp-000003", {"LastName": "Wit"}),
    "products": ("pro-000007", {"Number": "P7", "Name": "Pump"}),
    "quotes": ("quo-000031", {"CustomerId": "cus-000042", "Lines": [{"ProductId": "pro-000007", "Quantity": 1}]}),
    "orders": ("ord-000012", {"CustomerId": "cus-000042", "Lines": [{"ProductId": "pro-000007", "Quantity": 1}]}),
}


def search(site: Site, label: str, examples: int, *, afresh: bool) -> None:
    """Make calls of one operation, with keys that exist and with others, and hold every answer against the contract."""
    operation = OPERATIONS[label]
    key = RECORDS.get(label.rpartition(" ")[2].split("/")[1], ("", {}))[0]
    shapes = [operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)]
    if "{id}" in label:
        known = {"id": key}
        shapes = [
            operation.as_strategy(path_parameters=known),
            operation.as_strategy(path_parameters=known, generation_mode=GenerationMode.NEGATIVE),
            operation.as_strategy(),
        ]

    @settings(
        max_examples=examples,
        derandomize=not afresh,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(shapes))
    def calls(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=str(site.http.base_url), headers=HEADERS, timeout=10)
        case.validate_response(answer, excluded_checks=EXCLUDED, headers=HEADERS)

    calls()
