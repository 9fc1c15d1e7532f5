"""Whether Exact said so: only what is signed with the secret is read, and nothing makes the reader fall over."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talk_assets.webhooks.notification import NotOfExact, NotSigned, notification_of
from talk_assets_tests.webhooks.signing import DIVISION, KEY, SECRET, body, content

SECRETS = {str(DIVISION): SECRET}


def test_a_signed_notification_names_the_record() -> None:
    """A change in Exact would wait for the next time that everything is asked."""
    found = notification_of(body(content()), SECRETS)
    assert (found.division, found.topic, found.action, found.key) == (str(DIVISION), "Accounts", "Update", KEY)
    assert found.told_at == "2026-11-29T10:00:00.000"
    spaced = json.dumps(json.loads(content()), indent=1)
    assert notification_of(body(spaced), SECRETS).key == KEY
    assert notification_of(body(spaced), SECRETS).mark != found.mark


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
DIGESTS = st.from_regex(r"[0-9A-F]{64}", fullmatch=True) | st.text(max_size=70)
SHAPED = st.builds(lambda text, digest: json.dumps({"Content": text, "HashCode": digest}).encode(), JSON, DIGESTS)
RAW = st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode())


@settings(max_examples=500)
@given(SHAPED | RAW)
@example(b'{"Content":' * 3000)
@example(b"[" * 20_000)
@example(b'{"Content":{}, "HashCode":"' + b"0" * 64 + b'"}')
def test_nothing_that_others_make_up_is_taken(made_up: bytes) -> None:
    """Whoever finds the address could have records read and written as often as they like, or end the receiver."""
    with pytest.raises(NotOfExact):
        notification_of(made_up, SECRETS)


@settings(max_examples=300)
@given(st.integers(0, len(body(content())) - 1), st.integers(1, 255))
def test_a_notification_that_was_changed_on_its_way_says_nothing_else(place: int, change: int) -> None:
    """One changed character would have another record, or another division, read."""
    original = body(content())
    changed = bytearray(original)
    changed[place] ^= change
    try:
        found = notification_of(bytes(changed), SECRETS)
    except NotOfExact:
        return
    assert found == notification_of(original, SECRETS), "only what is not signed may differ"


@pytest.mark.parametrize(
    "text",
    [
        content(Division=True),
        content(Division="12345"),
        content(Key="../../crm/Accounts"),
        content(Key=None),
        content(Topic=None),
        content(Action=7),
        "{}",
    ],
)
def test_a_signed_one_without_a_record_is_refused(text: str) -> None:
    """Something odd would be kept, and everything that reads it later fall over."""
    with pytest.raises(NotOfExact, match="names no division, topic, action or record"):
        notification_of(body(text), SECRETS)


def test_what_stands_beside_the_signed_text_counts_for_nothing() -> None:
    """A second, unsigned Content would be read, and the first one checked."""
    signed = body(content())
    second = content(Key="00000000-0000-0000-0000-000000000001")
    for forged in (
        signed[:-1] + f',"Content":{second}}}'.encode(),
        b'{"Content":' + second.encode() + b"," + signed[1:],
    ):
        try:
            assert notification_of(forged, SECRETS).key == KEY
        except NotOfExact:
            continue


def test_another_secret_is_none() -> None:
    """Notifications of another app would be taken for ours."""
    with pytest.raises(NotOfExact, match="signature"):
        notification_of(body(content(), "another secret"), SECRETS)


def test_each_division_has_the_secret_of_its_own_app() -> None:
    """Whoever knows the secret of one administration could have records of another one read and written."""
    secrets = {str(DIVISION): SECRET, "99": "of the other app"}
    assert notification_of(body(content(Division=99), "of the other app"), secrets).division == "99"
    for forged in (body(content(Division=99)), body(content(), "of the other app"), body(content(Division=7))):
        with pytest.raises(NotSigned):
            notification_of(forged, secrets)
    one_app = dict.fromkeys(secrets, SECRET)
    assert {notification_of(body(content(Division=number)), one_app).division for number in (DIVISION, 99)} == {
        *one_app
    }
