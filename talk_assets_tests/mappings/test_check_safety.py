"""What a mapping says about deletions, guards and filters: every mistake is named with file, line and field."""

from pathlib import Path

import pytest

from talk_assets.mappings.filters import Condition
from talk_assets.mappings.load import load_mappings
from talk_assets.mappings.safety import DeletedWhen, Guards
from talk_assets_tests.mappings.broken import CAPABILITIES, Broken, assert_named, copy_mappings, replace

_FLOW, _ROWS = "    exact: exact.accounts\n", "properties:\n"
_ARCHIVE = "deletions:\n  exact.accounts:\n    archive: {name: %s, value: S}\nproperties:\n"

BROKEN = [
    Broken(
        "no way to archive",
        "organisation",
        _FLOW,
        f"{_FLOW}    when_gone: {{customerp: archive}}\n",
        "    when_gone",
        "flows.customer_accounts.when_gone.customerp",
        "name a property under deletions, exact.accounts, archive",
    ),
    Broken(
        "unknown entity in deletions",
        "organisation",
        _ROWS,
        f"deletions:\n  exact.acounts: {{snapshot: true}}\n{_ROWS}",
        "  exact.acounts",
        "deletions.exact.acounts",
        "did you mean exact.accounts?",
    ),
    Broken(
        "unknown property",
        "organisation",
        _ROWS,
        f"deletions:\n  exact.accounts:\n    deleted_when: {{name: Statuss}}\n{_ROWS}",
        "    deleted_when",
        "deletions.exact.accounts.deleted_when.name",
        "did you mean Status?",
    ),
    Broken(
        "a shared property as archive",
        "organisation",
        _ROWS,
        _ARCHIVE % "Name",
        "    archive",
        "deletions.exact.accounts.archive.name",
        "already shared as name",
    ),
    Broken(
        "a property that is never written as archive",
        "organisation",
        _ROWS,
        _ARCHIVE % "ID",
        "    archive",
        "deletions.exact.accounts.archive.name",
        "cannot be written afterwards",
    ),
    Broken(
        "unknown entity in guards",
        "organisation",
        _ROWS,
        f"guards:\n  exact.acounts: {{max_missing: 5}}\n{_ROWS}",
        "  exact.acounts",
        "guards.exact.acounts",
        "did you mean exact.accounts?",
    ),
    Broken(
        "unknown entity in filters",
        "organisation",
        _ROWS,
        f"filters:\n  exact.acounts: {{read: [{{name: Status, equals: [C]}}]}}\n{_ROWS}",
        "  exact.acounts",
        "filters.exact.acounts",
        "did you mean exact.accounts?",
    ),
    Broken(
        "unknown property in a filter for reading",
        "organisation",
        _ROWS,
        f"filters:\n  exact.accounts:\n    read: [{{name: Statuss, equals: [C]}}]\n{_ROWS}",
        "    read",
        "filters.exact.accounts.read",
        "did you mean Status?",
    ),
    Broken(
        "unknown property in a filter for writing",
        "organisation",
        _ROWS,
        f"filters:\n  exact.accounts:\n    write: [{{name: Name, filled: true}}]\n{_ROWS}",
        "    write",
        "filters.exact.accounts.write",
        "unknown property Name",
    ),
    Broken(
        "a condition that says nothing",
        "organisation",
        _ROWS,
        f"filters:\n  exact.accounts:\n    write: [{{name: name}}]\n{_ROWS}",
        "    write",
        "filters.exact.accounts.write[0]",
        "one of `equals`, `differs` and `filled`",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.what)
def test_a_mistake_is_refused(tmp_path: Path, broken: Broken) -> None:
    """A deletion would travel, or a guard not stand, where nobody meant it."""
    assert_named(broken, tmp_path)


def test_an_archived_record_counts_as_deleted(tmp_path: Path) -> None:
    """It would be kept up to date, and archived again in every run."""
    path = copy_mappings(tmp_path) / "organisation.yaml"
    replace(path, _ROWS, _ARCHIVE % "Status")
    mappings = load_mappings(tmp_path, CAPABILITIES)
    assert mappings.subject_of("exact.accounts").deletions_of("exact.accounts").mark == DeletedWhen(
        name="Status", equals=["S"]
    )
    assert "Status" in mappings.wanted("exact.accounts")
    assert mappings.subject_of("exact.contacts").deletions_of("exact.contacts").mark is None


def test_what_a_filter_looks_at_is_read(tmp_path: Path) -> None:
    """Every record would be outside the filter, because its property was never asked for."""
    path = copy_mappings(tmp_path) / "organisation.yaml"
    replace(path, _ROWS, f"filters:\n  exact.accounts:\n    read: [{{name: Status, equals: [C]}}]\n{_ROWS}")
    assert "Status" in load_mappings(tmp_path, CAPABILITIES).wanted("exact.accounts")


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (Condition(name="Type", equals=["customer", "lead"]), " Lead", True),
        (Condition(name="Type", equals=["customer"]), "", False),
        (Condition(name="Type", differs=["closed"]), "Closed", False),
        (Condition(name="Type", differs=["closed"]), "", True),
        (Condition(name="Type", filled=True), " ", False),
        (Condition(name="Type", filled=False), "", True),
    ],
)
def test_a_condition_says_what_it_says(condition: Condition, value: str, *, holds: bool) -> None:
    """A record would take part, or be left out, against what the filter says."""
    assert condition.holds(value) is holds


def test_the_shipped_guards_let_a_company_work() -> None:
    """Ten thousand customers would trip over an ordinary day, or be deleted at once."""
    guards = Guards()
    assert (guards.most_writes(10_000), guards.most_missing(10_000)) == (2_000, 1_000)
    assert (guards.most_writes(100), guards.most_missing(20)) == (200, 10)


@pytest.mark.parametrize(
    ("mark", "value", "deleted"),
    [
        (DeletedWhen(name="D"), "2024-01-01", True),
        (DeletedWhen(name="D"), "", False),
        (DeletedWhen(name="D"), "False", False),
        (DeletedWhen(name="D", equals=["closed"]), "Closed", True),
        (DeletedWhen(name="D", equals=["closed"]), "open", False),
    ],
)
def test_a_mark_says_what_it_says(mark: DeletedWhen, value: str, *, deleted: bool) -> None:
    """A record that is not blocked would count as deleted because it says so: false."""
    assert mark.says(value) is deleted
