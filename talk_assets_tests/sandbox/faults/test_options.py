"""Faults as they are named on the command line."""

from pathlib import Path

import pytest

from talk_assets.errors import ConfigurationError
from talk_assets.sandbox.faults.model import SYSTEMS
from talk_assets.sandbox.faults.names import NAMED, WrongOrder, fault_of
from talk_assets.sandbox.faults.options import read_faults


def test_every_name_is_a_fault_of_some_system() -> None:
    """A fault that the documentation names could not be ordered."""
    for name, named in NAMED.items():
        ordered = read_faults([name])
        assert set(ordered) == {system for system in SYSTEMS if named.fields(system) is not None} != set()
        assert {fault.fault for faults in ordered.values() for fault in faults} == {name}


def test_names_systems_and_files_can_be_mixed(tmp_path: Path) -> None:
    """Somebody who needs three faults in certain places would have to write a program."""
    file = tmp_path / "faults.yaml"
    file.write_text(
        "- {system: exact, fault: refusal, path: crm/Accounts, match: {Name: Bos}, times: 3}\n"
        "- {system: customerp, status: 418, skip: 2}\n"
    )
    ordered = read_faults(["exact:cut", str(file), "unavailable"])
    cut, refusal, unavailable = ordered["exact"]
    assert (cut.effect, unavailable.status) == ("cut", 503)
    assert (refusal.status, refusal.method, refusal.path, refusal.times) == (500, "POST|PUT|PATCH", "crm/Accounts", 3)
    teapot, busy = ordered["customerp"]
    assert ((teapot.status, teapot.skip), busy.status) == ((418, 2), 503)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("unavailble", "there is no fault 'unavailble'. It is one of rate-limit, "),
        ("exakt:cut", "there is no fault 'exakt:cut'"),
        ("customerp:revoked-login", "there is no 'revoked-login' in customerp; there are rate-limit, "),
        ("nowhere.yaml", "nowhere.yaml cannot be read: "),
    ],
)
def test_a_wrong_word_is_named(word: str, said: str) -> None:
    """A trial of a mistyped fault would go well, and prove nothing."""
    with pytest.raises(ConfigurationError, match="--faults: ") as caught:
        read_faults([word])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("cut", "holds no list of faults"),
        ("[", "cannot be read: "),
        ("- {fault: cut}", "fault 1: system: it is customerp or exact, not None."),
        ("- {system: exact, fault: cut}\n- {system: exact, fault: cat}", "fault 2: fault: there is no 'cat' in exact"),
        ("- {system: exact, times: 0}", "fault 1: fault: times: "),
        ("- {system: exact, tmes: 1}", "fault 1: fault: tmes: "),
        ("- {system: exact, path: (}", "fault 1: fault: path: Value error, is not a regular expression"),
        ("- {system: exact, effect: edited_meanwhile}", "`values` go with the effects edited_meanwhile and"),
        ("- {system: exact, properties: [Name]}", "`properties` go with the effect missing_property"),
        ("- {system: exact, limit: day}", "`limit` goes with the status 429"),
    ],
)
def test_a_wrong_file_is_named_with_its_place(content: str, said: str, tmp_path: Path) -> None:
    """Somebody would look for a mistyped field in the wrong order."""
    file = tmp_path / "faults.yml"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=f"--faults: {file}") as caught:
        read_faults([str(file)])
    assert said in str(caught.value)


@pytest.mark.parametrize("wish", [{"effect": "revoked_token"}, {"status": 429, "limit": "day"}])
def test_what_only_exact_does_is_not_ordered_of_customerp(wish: dict[str, object]) -> None:
    """A trial would be of something that Customerp never does."""
    with pytest.raises(WrongOrder, match="are Exact's"):
        fault_of("customerp", wish)


def test_an_order_that_is_no_object_is_refused() -> None:
    """The server would fail where a word would help."""
    with pytest.raises(WrongOrder, match="an object with fields"):
        fault_of("exact", ["cut"])
