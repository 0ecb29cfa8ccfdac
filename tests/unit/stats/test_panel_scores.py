import itertools

import numpy as np
import pandas as pd
import pytest

from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import fold_scores


def test_the_scores_of_folds_are_the_means_of_their_cases_by_arm_training_and_fold():
    rows = [
        {"arm": arm, "seed": seed, "fold": case // 2, "case": f"c{case}", "group": f"g{case}", "label": "lesion"}
        for arm, seed, case in itertools.product("ab", range(3), range(4))
    ]
    table = pd.DataFrame(rows).assign(dice=np.arange(24) ** 2 / 600, iou=0.5, hd95=1.0)
    expected = table.groupby(["arm", "seed", "fold"])["dice"].mean().to_numpy().reshape(2, 3, 2)
    assert fold_scores(to_panel(table, "segmentation"))[0] == pytest.approx(expected)
