"""Writing webhook subscriptions over the API (Exact reference, Webhooks)."""

from typing import Any

from talk_assets.sandbox.exact import rules
from talk_assets.sandbox.exact.answer import Answer, created
from talk_assets.sandbox.exact.errors import Refused
from talk_assets.sandbox.exact.model import WEBHOOKS
from talk_assets.sandbox.exact.reading import Call
from talk_assets.sandbox.exact.webhooks import Webhooks


def write_subscription(
    webhooks: Webhooks, call: Call, method: str, key: str | None, sent: Any, *, full: bool
) -> Answer:
    """Make, change or end a subscription; the receiver is called while the answer is being finished.

    Args:
        webhooks: who is told of changes.
        call: the division and the addresses.
        method: of the call.
        key: of the subscription, None for the set.
        sent: the call's body.
        full: whether a new subscription is shown whole.

    Raises:
        Refused: 400 for what is malformed or unknown, 405 for another method, 500 for what a subscription cannot hold.
    """
    state = call.state
    if method == "POST" and key is None:
        wanted = webhooks.wanted(state.division, rules.creation(WEBHOOKS, sent))

        async def subscribe() -> Answer:
            return created(call, WEBHOOKS, await webhooks.subscribe(state.division, wanted), full=full)

        return Answer(201, finish=subscribe)
    if method == "PUT" and key is not None:
        values = rules.change(state, WEBHOOKS, state.get(WEBHOOKS.name, key), sent)

        async def change() -> Answer:
            await webhooks.change(state, key, values)
            return Answer(204)

        return Answer(204, finish=change)
    if method == "DELETE" and key is not None:
        webhooks.unsubscribe(state, key)
        return Answer(204)
    raise Refused(405, "Method not allowed", {"Allow": "GET, DELETE" if key is not None else "GET, POST"})
