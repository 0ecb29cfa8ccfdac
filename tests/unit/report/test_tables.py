import pandas as pd
import pytest

from uscl.report.tables import cell, markdown, summarise


@pytest.fixture
def scores():
    values = {"simclr": [0.5, 0.7, 0.9], "random": [0.2, 0.2, 0.5]}
    rows = [(arm, "pocus", 0, fold, "accuracy", v) for arm, vs in values.items() for fold, v in enumerate(vs)]
    rows += [("simclr", "segmentation", 0, 0, "dice", 0.75)]
    return pd.DataFrame(rows, columns=["arm", "task", "seed", "fold", "metric", "value"])


def test_mean_sd_and_n_by_hand(scores):
    table = summarise(scores, []).set_index(["arm", "task", "metric"])
    assert table.loc[("simclr", "pocus", "accuracy"), ["mean", "sd", "n"]].tolist() == pytest.approx([0.7, 0.2, 3])
    assert table.loc[("random", "pocus", "accuracy"), ["mean", "sd", "n"]].tolist() == pytest.approx(
        [0.3, 0.03**0.5, 3]
    )
    assert pd.isna(table.loc[("simclr", "segmentation", "dice"), "sd"])


def test_the_order_is_that_of_the_cells(scores):
    table = summarise(scores, [])
    assert list(table.columns) == ["arm", "pool_labels", "task", "metric", "mean", "sd", "n"]
    assert list(table["arm"]) == ["simclr", "random", "simclr"]


def test_markdown_shows_every_cell(scores):
    text = markdown(summarise(scores, []), "embedded")
    assert "| simclr | 70.0 ± 20.0 | 3 |" in text
    assert "| random | 30.0 ± 17.3 | 3 |" in text
    assert "| simclr | 75.0 | 1 |" in text
    assert text.index("## pocus") < text.index("## segmentation")


def test_an_arm_that_sees_labels_is_marked(scores):
    table = summarise(scores, ["simclr"])
    assert table.set_index("arm")["pool_labels"].to_dict() == {"simclr": True, "random": False}
    text = markdown(table, "embedded")
    assert "| simclr † |" in text
    assert "| random |" in text
    assert "† sees class labels of the pretraining pool" in text
    assert "†" not in markdown(summarise(scores, []), "embedded")


def test_an_undefined_score_is_called_so():
    assert cell(float("nan"), float("nan")) == "undefined"
