"""One case from its text to its verdict."""

import traceback
from pathlib import Path

from talk_assets.ledger.database import Ledger
from talk_assets_tests.scenarios.case import Case
from talk_assets_tests.scenarios.play import Player
from talk_assets_tests.scenarios.verdict import differences
from talk_assets_tests.scenarios.words import NotExpressible


def judged(case: Case, ledger: Ledger) -> list[str]:
    """Play a case in a division of its own; what differs from what it expects."""
    try:
        return differences(case, Player(case, ledger).play())
    except NotExpressible as error:
        return [str(error)]
    except Exception as error:  # noqa: BLE001 - a crash is the verdict on its case; the other cases are played
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}".splitlines()[0]]
