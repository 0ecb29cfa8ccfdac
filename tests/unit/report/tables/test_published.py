import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.published import reported, reported_markdown
from uscl.report.tables.result_table import result_table

METHODS = {"random": "random", "imagenet": "imagenet", "uscl": "uscl", "meta_uscl": "meta_uscl"}


def table(authors=()):
    scores = {"uscl": 0.81, "meta_uscl": 0.82, "imagenet": 0.8, "ablation": 0.5}
    rows = [(arm, "pocus", "finetune", "accuracy", value) for arm, value in scores.items()]
    rows += [("meta_uscl", "busi", "finetune", "accuracy", 0.1), ("meta_uscl", "pocus", "finetune", "macro_f1", 0.2)]
    intervals = frames.intervals([*rows, ("meta_uscl", "pocus", "last_block", "accuracy", 0.7)])
    best_on_test = pd.DataFrame(authors, columns=["arm", "task", "regime", "metric", "value"])
    return result_table(
        intervals,
        frames.comparisons([]),
        best_on_test,
        frames.costs(intervals),
        frames.provenance(intervals),
        arms=list(scores),
        labelled=[],
        reference="imagenet",
        missing=[],
    )


def lines(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]


def test_only_the_confirmed_values_are_listed():
    figures = reported(table(), METHODS)
    assert figures[["method", "encoder", "input_px", "reported"]].astype(object).fillna("").to_numpy().tolist() == [
        ["meta_uscl", "ResNet-18", 224, 0.946],
        ["meta_uscl", "ResNet-18", 64, 0.909],
        ["meta_uscl", "ShuffleNet v2", 224, 0.903],
        ["meta_uscl", "ShuffleNet v2", 64, 0.873],
        ["uscl", "ResNet-18", "", 0.9419],
        ["imagenet", "", "", 0.84],
    ]
    assert (figures["metric"] == "accuracy").all()
    assert figures["source"].ne("").all()
    assert "95.42" in figures.set_index("method").loc["uscl", "remark"]


def test_ours_is_the_accuracy_of_the_same_arm_on_pocus():
    figures = reported(table(), METHODS).drop_duplicates("method").set_index("method")
    assert figures["finetune_mean"].to_dict() == {"meta_uscl": 0.82, "uscl": 0.81, "imagenet": 0.8}
    assert figures.loc["meta_uscl", "last_block_mean"] == 0.7
    assert pd.isna(figures.loc["uscl", "last_block_mean"])
    assert figures.loc["uscl", ["finetune_ci_low", "finetune_ci_high"]].tolist() == pytest.approx([0.76, 0.86])


def test_an_arm_of_another_name_represents_its_method_and_a_method_may_be_absent():
    figures = reported(table(), {"ablation": "uscl", "imagenet": "imagenet"}).drop_duplicates("method")
    assert figures["arm"].fillna("").tolist() == ["", "ablation", "imagenet"]
    assert figures["finetune_mean"].fillna(-1).tolist() == [-1, 0.5, 0.8]
    both = reported(table(), {"ablation": "uscl", "uscl": "uscl"}).set_index("method")
    assert both.loc["uscl", "arm"] == "uscl"


def test_the_text_shows_both_and_a_dash_where_there_is_none():
    text = reported_markdown(reported(table(), METHODS))
    ours = "82.0 ± 2.0 [77.0, 87.0]"
    assert ["meta_uscl", "ResNet-18", "224", "94.6", "meta_uscl", "70.0 ± 2.0 [65.0, 75.0]", ours] in lines(text)
    assert ["uscl", "ResNet-18", "-", "94.19", "uscl", "-", "81.0 ± 2.0 [76.0, 86.0]"] in lines(text)
    assert ["imagenet", "-", "-", "84", "imagenet", "-", "80.0 ± 2.0 [75.0, 85.0]"] in lines(text)
    assert "epoch chosen on the test fold" not in text.partition("How the protocols differ")[0]


def test_our_number_by_the_authors_protocol_has_a_column_of_its_own():
    figures = reported(table([("uscl", "pocus", "finetune", "accuracy", 0.9)]), METHODS)
    text = reported_markdown(figures)
    assert "| ours, finetune, epoch chosen on the test fold |" in text
    assert next(line for line in lines(text) if line[0] == "uscl")[-1] == "90.0"
    assert next(line for line in lines(text) if line[0] == "meta_uscl")[-1] == "-"


@pytest.mark.parametrize(
    "words",
    [
        "the best on the test fold",
        "pooled confusion matrix of 5 folds",
        "one, no spread",
        "US-4",
        "never fully released",
    ],
)
def test_the_differences_in_protocol_are_listed(words):
    assert words in reported_markdown(reported(table(), METHODS))


def test_a_study_without_the_task_has_dashes_alone():
    other = table()
    text = reported_markdown(reported(other[other["task"] != "pocus"], METHODS))
    assert ["meta_uscl", "ResNet-18", "224", "94.6", "meta_uscl", "-", "-"] in lines(text)
    assert "nan" not in text
