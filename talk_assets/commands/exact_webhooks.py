"""`talk-assets exact webhooks`: whom Exact tells of changes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import httpx
import typer

from talk_assets import console
from talk_assets.commands import told_settings
from talk_assets.connection import Connection, open_connection
from talk_assets.errors import ConfigurationError, OrderRefused, RecordRejected
from talk_assets.settings import EXACT_LOGIN
from talk_assets.systems.exact.subscriptions import TOPICS, Subscription, Subscriptions, check_callback, judge

_NEEDED = (*EXACT_LOGIN, "EXACT_DIVISION")


def add(url: str, topics: Sequence[str]) -> bool:
    """Subscribe to topics; whether all of them are subscribed to now.

    Args:
        url: where Exact is to send its notifications.
        topics: what they are to be about; none: all that the platform reads.

    Raises:
        TalkError: a setting is wrong, the address will not do, or Exact does not let the app subscribe.
    """
    check_callback(url)
    done = True
    with _opened() as (connection, subscriptions):
        _warn(connection, url)
        for topic in topics or TOPICS.values():
            try:
                new = subscriptions.add(topic, url)
            except (OrderRefused, RecordRejected) as error:
                console.complain("Failed", str(error))
                done = False
            else:
                console.remark(f"{topic}: {'subscribed' if new else 'was subscribed to already'}.")
    return done


def show(*, as_json: bool) -> None:
    """List the subscriptions of the division.

    Args:
        as_json: print a list of objects instead of a table.

    Raises:
        TalkError: a setting is wrong, or Exact does not list them.
    """
    with _opened() as (_, subscriptions):
        found = subscriptions.all()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found]))
        return
    rows = [(each.key, each.topic, each.url, "own" if each.own else "another", each.created) for each in found]
    console.listing("Webhook subscriptions", ["id", "topic", "address", "app", "created"], rows)


def remove(key: str | None, *, url: str | None, everything: bool) -> None:
    """End subscriptions of this app registration.

    Args:
        key: of one; None when others are meant.
        url: those with this address.
        everything: all of them, whatever their address.

    Raises:
        TalkError: nothing or more than one thing is named, there is no such subscription, or it is another app's.
    """
    if [key is not None, url is not None, everything].count(True) != 1:
        raise OrderRefused("Name one: the ID of a subscription, or --url, or --all for all of this app registration.")
    with _opened() as (_, subscriptions):
        found = _meant(subscriptions.all(), key, url)
        for each in found:
            subscriptions.remove(each)
            console.remark(f"{each.topic}: no longer told to {each.url}.")
    if not found:
        console.remark("There is nothing to remove.")


def _meant(known: Sequence[Subscription], key: str | None, url: str | None) -> list[Subscription]:
    if key is None:
        return [each for each in known if each.own and (url is None or each.url == url)]
    found = [each for each in known if each.key.casefold() == key.strip("{} ").casefold()]
    if not found:
        raise OrderRefused(f"There is no subscription {key} in this division; see talk-assets exact webhooks list.")
    if not found[0].own:
        raise OrderRefused(f"The subscription {key} is another app's; only that app can end it.")
    return found


@contextmanager
def _opened() -> Iterator[tuple[Connection, Subscriptions]]:
    with open_connection(told_settings(_NEEDED)) as connection:
        division = connection.settings.exact_division
        if division is None:
            raise ConfigurationError(
                "EXACT_DIVISION is not set; see talk-assets exact divisions. Of several, name one with --division."
            )
        with connection.http(judge=judge(lambda: datetime.now(UTC))) as http:
            yield connection, Subscriptions(http, division, connection.credentials.client_id)


def _warn(connection: Connection, url: str) -> None:
    settings = connection.settings
    if settings.exact_webhook_secret is None:
        console.remark("EXACT_WEBHOOK_SECRET is not set: notifications cannot be told from those that others make up.")
    called, registered = httpx.URL(url).host, httpx.URL(settings.exact_redirect_uri).host
    if called != registered and not connection.sandbox:
        console.remark(
            f"Exact wants the address on the domain of the app registration's redirect address, {registered}; if it "
            "refuses, register one on the same domain, and set EXACT_REDIRECT_URI."
        )
