"""The interval that a figure with room for one shows."""

import pandas as pd

OVER_TRAININGS = "its 95 % CI over trainings and patients"
OF_MODELS = "its 95 % CI of these models on other patients"


def one_interval(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ci_low and ci_high of these models if no row has an interval over trainings."""
    if table["ci_low"].notna().any():
        return table
    return table.assign(ci_low=table["models_ci_low"], ci_high=table["models_ci_high"])


def words(table: pd.DataFrame) -> str:
    """What the interval of `one_interval` is."""
    return OVER_TRAININGS if table["ci_low"].notna().any() else OF_MODELS
