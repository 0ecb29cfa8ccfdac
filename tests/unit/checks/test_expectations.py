import pandas as pd
import pytest

from uscl.checks import expectations as module
from uscl.checks.expectations import expectations, groups_of
from uscl.stats.planning import Size, Spread, expected_se, power

PRIMARY = {"arm": "simclr", "reference": "untrained", "task": "busi", "regime": "linear", "metric": "macro_f1"}
FILE = "comparisons.csv"
MARGINS = {"busi": {"points": 5.0, "reason": "r"}}
KINDS = {"busi": "classification", "segmentation": "segmentation"}


@pytest.fixture(autouse=True)
def _spread(monkeypatch):
    monkeypatch.setitem(module.ASSUMED, "classification", Spread(28.0, 1.5))


def forecast(tmp_path, trainings=5, groups=98, margins=MARGINS, **changed):
    given = {"groups": {"busi": groups, "segmentation": groups}, "trainings": trainings}
    given["statistics"] = {"busi/linear": tmp_path / FILE, "segmentation/finetune": tmp_path / "none.csv"}
    (sentence,) = expectations([PRIMARY | changed], margins, KINDS, **given)
    return sentence


def test_a_comparison_that_its_size_cannot_decide_says_what_it_takes(tmp_path):
    assert forecast(tmp_path) == (
        "simclr against untrained on busi (linear), macro-F1: expected standard error 3.0 points (5 trainings, 98"
        " groups; sd 28 points per patient and 1.5 per training, assumed); a difference of 5 points is shown with a"
        " probability of 38 %: cannot be decided; 80 % takes 360 groups."
    )


def test_a_large_study_can_decide(tmp_path):
    sentence = forecast(tmp_path, trainings=10, groups=600)
    assert "cannot be decided" not in sentence
    assert "exploratory" not in sentence


def test_few_trainings_are_exploratory_or_no_claim(tmp_path):
    assert "; exploratory; " in forecast(tmp_path, trainings=3)
    assert forecast(tmp_path, trainings=1).endswith(
        "no claim with 1 of the 3 trainings (`seeds`) that it takes at least."
    )


def test_what_is_not_known_is_not_forecast(tmp_path):
    assert forecast(tmp_path, groups=None).endswith("unknown until its data are read.")
    assert "no `margin`" in forecast(tmp_path, margins={})
    pixels = forecast(tmp_path, task="segmentation", regime="finetune", metric="hd95")
    assert pixels.endswith("no forecast for a metric that is not a share.")
    assert "names no primary comparison" in expectations([], {}, {}, {}, 5, {})[0]


def test_spreads_of_the_studys_own_statistics_go_first(tmp_path):
    row = {"arm": "simclr", "reference": "untrained", "metric": "macro_f1", "n_groups": 100, "trainings": 3}
    row |= {"reference_trainings": 3, "se_patients": 0.02, "se_trainings": 0.02 * (2 / 3) ** 0.5}
    pd.DataFrame([row]).to_csv(tmp_path / FILE, index=False)
    assert "sd 20 points per patient and 2.0 per training, measured here" in forecast(tmp_path)
    assert "sd 28 points per patient" in forecast(tmp_path, arm="uscl")


def test_the_groups_are_those_of_the_folds_if_they_are_drawn(tmp_path):
    splits = tmp_path / "busi.csv"
    splits.write_text("row,case,video,patient,group,unit,label,fold0\n0,a,v,,g,video,x,test\n1,b,v,,h,video,x,test\n")
    known = {"busi": 120, "pocus": 98}
    assert groups_of(known, {"busi": str(splits), "pocus": "nowhere"}) == {"busi": 2, "pocus": 98}


def test_power_at_no_difference_is_the_level_and_grows_with_the_difference():
    spread, size = Spread(28, 1.5), Size(5, 98)
    assert power(0, spread, size) == pytest.approx(0.05)
    assert power(8.4, spread, size) == pytest.approx(0.8, abs=0.02)
    assert power(-5, spread, size) == pytest.approx(power(5, spread, size))


def test_the_standard_error_is_that_of_both_parts():
    assert expected_se(Spread(0, 3), Size(2, 10)) == pytest.approx(3)
    assert expected_se(Spread(10, 0), Size(2, 25)) == pytest.approx(2)
