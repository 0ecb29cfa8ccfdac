"""The prediction table of classification, whatever made the predictions."""

import numpy as np
import pandas as pd

from uscl.data.splits import Fold


def predicted(cases: pd.DataFrame, fold: Fold, classes: list[str], probabilities: np.ndarray) -> pd.DataFrame:
    """One row per case of the test part: case, group, label and one probability per class, `p_<class>`.

    `cases` has row, case, group, label; `probabilities` is [test cases, classes].
    """
    table = cases.set_index("row").loc[fold.test, ["case", "group", "label"]].reset_index(drop=True)
    return table.assign(**{f"p_{name}": probabilities[:, number] for number, name in enumerate(classes)})
