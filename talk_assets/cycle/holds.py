"""The frame of what is held: a record, the kind of hold, at which property, and the reason that a person reads."""

import pandas as pd

HOLDS = ["entity", "key", "kind", "property", "reason", "value"]


def no_holds() -> pd.DataFrame:
    """Nothing is held."""
    return pd.DataFrame(columns=HOLDS, dtype="str")
