"""What to do about a refusal of Exact's (Exact reference, Errors)."""

from http import HTTPStatus

from talk_assets.systems.exact.probe import Answer

_REASONS = {
    "BlockedUser": "The user who logged in is blocked: have that undone in Exact, or log in as another user with "
    "`talk-assets exact login --force-login`.",
    "InactiveUser": "The user who logged in is not active: have that undone in Exact, or log in as another user with "
    "`talk-assets exact login --force-login`.",
    "BlockedCustomer": "Exact has blocked the company that owns the division: ask Exact.",
    "LicenseExpired": "The licence has expired: renew it with Exact.",
    "DivisionBlocked": "The division is blocked, as while it is restored or converted: wait, or ask Exact.",
    "NoDivisionAccess": "Give the user who logged in access to the division, or correct EXACT_DIVISION; `talk-assets "
    "exact divisions` lists those that can be entered.",
}


def advice_on(answer: Answer, scope: str, level: str, right: bool | None) -> str:
    """What a person can do about a refusal.

    Args:
        answer: the refusal.
        scope: the scope that the set needs.
        level: of that scope: read or manage.
        right: whether Exact says that the user has the right; None when it was not told.
    """
    if answer.reason in _REASONS:
        return _REASONS[answer.reason]
    if answer.scope_missing:
        return f"Give the app's registration the scope {scope} at {level}, and log in again once Exact has approved it."
    if answer.status == HTTPStatus.NOT_FOUND:
        return "Look whether the division's licence has the module, and whether EXACT_URL is Exact Online's address."
    if answer.status == HTTPStatus.FORBIDDEN:
        user = f"give the user who logged in the right to it, the app's registration the scope {scope} at {level}"
        licence = "look whether the division's licence has the module"
        if right is None:
            return f"{user[0].upper()}{user[1:]}, or {licence}."
        if right:
            return f"The user has the right: {licence}, and the app's registration the scope {scope} at {level}."
        return "Give the user who logged in the right to it in this division."
    if answer.status is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "Try again later."
    return "Look at what Exact says; if it is not clear, report it with the version of talk-assets."
