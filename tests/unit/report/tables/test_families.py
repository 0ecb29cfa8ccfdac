import numpy as np
import pandas as pd
import pytest

from uscl.report.tables.families import holm_by_family, verdicts


def test_primary_metrics_of_all_tasks_are_one_family_and_each_other_metric_its_own():
    rows = [
        ("macro_f1", 0.01),
        ("dice", 0.02),
        ("macro_f1", 0.5),
        ("accuracy", 0.01),
        ("accuracy", 0.04),
        ("ece", 0.03),
    ]
    table = pd.DataFrame(rows, columns=["metric", "p"], index=[7, 3, 5, 1, 0, 9])
    corrected = holm_by_family(table)
    assert corrected.index.tolist() == [7, 3, 5, 1, 0, 9]
    assert corrected.tolist() == pytest.approx([0.03, 0.04, 0.5, 0.02, 0.04, 0.03])


def test_an_undefined_p_stays_so_and_is_no_test():
    table = pd.DataFrame({"metric": ["dice", "dice", "dice"], "p": [0.01, np.nan, 0.02]})
    assert holm_by_family(table).tolist() == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)


def test_no_comparisons_have_no_corrected_p():
    empty = pd.DataFrame(columns=["metric", "p", "difference"])
    assert len(holm_by_family(empty)) == 0
    assert len(verdicts(empty.assign(p_holm=holm_by_family(empty)))) == 0


@pytest.mark.parametrize(
    ("metric", "difference", "p", "verdict"),
    [
        ("dice", 0.1, 0.049, "better"),
        ("dice", -0.1, 0.049, "worse"),
        ("dice", 0.1, 0.05, "not shown"),
        ("ece", 0.1, 0.01, "worse"),
        ("hd95", -4.0, 0.01, "better"),
        ("dice", 0.0, 0.01, "not shown"),
        ("dice", np.nan, np.nan, "not shown"),
    ],
)
def test_a_verdict_follows_the_corrected_test_and_the_metric_s_direction(metric, difference, p, verdict):
    table = pd.DataFrame({"metric": [metric], "difference": [difference], "p_holm": [p]})
    assert verdicts(table).tolist() == [verdict]
