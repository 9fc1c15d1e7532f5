"""The type of text columns."""

from collections.abc import Iterable

import pandas as pd
from pandera.dtypes import DataType
from pandera.engines.pandas_engine import STRING


class Text(STRING):
    """`str`, of which a column either is or is not; the type that this extends answers for each value."""

    def check(
        self, pandera_dtype: DataType, data_container: pd.Series | pd.DataFrame | None = None
    ) -> bool | Iterable[bool]:
        """Whether a column of that type holds text, per value where its type does not tell."""
        return getattr(pandera_dtype, "type", None) == self.type or super().check(pandera_dtype, data_container)


# What text in frames is.
TEXT = Text.from_parametrized_dtype(pd.StringDtype(na_value=float("nan")))
