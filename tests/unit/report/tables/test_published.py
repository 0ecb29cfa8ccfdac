import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.authors_protocol import COLUMNS
from uscl.report.tables.claims import claims
from uscl.report.tables.published import HERE, reported, reported_markdown
from uscl.report.tables.result_table import result_table

METHODS = {"random": "random", "imagenet": "imagenet", "uscl": "uscl", "meta_uscl": "meta_uscl"}
NONE = pd.DataFrame(columns=COLUMNS)


def authors(*rows):
    """Rows of (arm, metric, value, lowest, highest, n_seeds, reason) on pocus."""
    return pd.DataFrame([("pocus", *row) for row in rows], columns=COLUMNS)


def table():
    scores = {"uscl": 0.81, "meta_uscl": 0.82, "imagenet": 0.8, "ablation": 0.5}
    rows = [(arm, "pocus", "finetune", "accuracy", value) for arm, value in scores.items()]
    rows += [("meta_uscl", "busi", "finetune", "accuracy", 0.1), ("meta_uscl", "pocus", "finetune", "macro_f1", 0.2)]
    intervals = frames.intervals([*rows, ("meta_uscl", "pocus", "last_block", "accuracy", 0.7)])
    return result_table(
        intervals,
        frames.comparisons([]),
        claims(frames.comparisons([])),
        frames.costs(intervals),
        frames.provenance(intervals),
        arms=list(scores),
        labelled=[],
        reference="imagenet",
        missing=[(None, "busi", "linear", "no such probe")],
    )


def figures_of(table, methods=METHODS, authors=NONE):
    return reported(table, methods, authors, inputs=dict.fromkeys(methods, ("resnet18", 224)))


def lines(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]


def test_only_the_confirmed_values_are_listed():
    figures = figures_of(table())
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
    figures = figures_of(table()).drop_duplicates("method").set_index("method")
    assert figures["finetune_mean"].to_dict() == {"meta_uscl": 0.82, "uscl": 0.81, "imagenet": 0.8}
    assert figures.loc["meta_uscl", "last_block_mean"] == 0.7
    assert pd.isna(figures.loc["uscl", "last_block_mean"])
    assert figures.loc["uscl", ["finetune_ci_low", "finetune_ci_high"]].tolist() == pytest.approx([0.76, 0.86])


def test_an_arm_of_another_name_represents_its_method_and_a_method_may_be_absent():
    figures = figures_of(table(), {"ablation": "uscl", "imagenet": "imagenet"}).drop_duplicates("method")
    assert figures["arm"].fillna("").tolist() == ["", "ablation", "imagenet"]
    assert figures["finetune_mean"].fillna(-1).tolist() == [-1, 0.5, 0.8]
    both = figures_of(table(), {"ablation": "uscl", "uscl": "uscl"}).set_index("method")
    assert both.loc["uscl", "arm"] == "uscl"


def test_the_text_shows_both_and_a_dash_where_there_is_none():
    text = reported_markdown(figures_of(table()))
    ours = "82.0 ± 2.0 [77.0, 87.0]"
    assert ["meta_uscl", "ResNet-18", "224", "94.6", "meta_uscl", "70.0 ± 2.0 [65.0, 75.0]", ours] in lines(text)
    assert ["uscl", "ResNet-18", "-", "94.19", "uscl", "-", "81.0 ± 2.0 [76.0, 86.0]"] in lines(text)
    assert ["imagenet", "-", "-", "84", "imagenet", "-", "80.0 ± 2.0 [75.0, 85.0]"] in lines(text)
    assert "authors' protocol" not in text.partition("## How the protocols differ")[0]


BY_AUTHORS = authors(
    ("meta_uscl", "accuracy", 0.9, 0.88, 0.92, 2, None),
    ("meta_uscl", "precision_covid", 0.5, 0.5, 0.5, 2, None),
    ("uscl", "accuracy", 0.85, 0.85, 0.85, 1, None),
    ("imagenet", "accuracy", None, None, None, None, "seed 0: NaN"),
)


def test_the_values_by_the_authors_protocol_come_next_to_the_published_ones_and_say_so():
    figures = figures_of(table(), authors=BY_AUTHORS)
    published, here = figures[:6], figures[6:]
    assert published["source"].ne(HERE).all()
    assert here["source"].eq(HERE).all()
    assert here[["task", "arm", "method", "encoder", "input_px"]].drop_duplicates().to_numpy().tolist() == [
        ["pocus", arm, arm, "resnet18", 224] for arm in ("meta_uscl", "uscl", "imagenet")
    ]
    first = here.iloc[0]
    assert first[["metric", "reported", "lowest", "highest", "n_seeds"]].tolist() == ["accuracy", 0.9, 0.88, 0.92, 2]
    assert first[["last_block_mean", "finetune_mean"]].tolist() == [0.7, 0.82]
    assert here.iloc[1][["last_block_mean", "finetune_mean"]].isna().all()
    assert here.iloc[3]["remark"] == "seed 0: NaN"
    assert published[["lowest", "highest", "n_seeds"]].isna().all(axis=None)


def test_the_text_measures_their_distance_from_ours_and_says_that_they_are_too_good():
    text = reported_markdown(figures_of(table(), authors=BY_AUTHORS))
    section = text.partition("## This study by the authors' protocol")[2].partition("## How")[0]
    assert "The test fold itself chooses the epoch, so these values are too good" in section
    ours = ["70.0 ± 2.0 [65.0, 75.0]", "82.0 ± 2.0 [77.0, 87.0]"]
    assert lines(section)[2:] == [
        ["pocus", "meta_uscl", "90.0 (88.0 to 92.0)", *ours, "+20.0"],
        ["pocus", "uscl", "85.0", "-", "81.0 ± 2.0 [76.0, 86.0]", "-"],
        ["pocus", "imagenet", "missing", "-", "80.0 ± 2.0 [75.0, 85.0]", "-"],
    ]
    assert "- pocus, imagenet: seed 0: NaN" in section
    assert "nan" not in text


@pytest.mark.parametrize(
    "words",
    [
        "Adam with an L2 penalty",
        "stretched to a square",
        "the best on the test fold",
        "pooled confusion matrix of 5 folds",
        "one, no spread",
        "US-4",
        "never fully released",
    ],
)
def test_the_differences_in_protocol_are_listed(words):
    assert words in reported_markdown(figures_of(table()))


def test_a_study_without_the_task_has_dashes_alone():
    other = table()
    text = reported_markdown(figures_of(other[other["task"] != "pocus"]))
    assert ["meta_uscl", "ResNet-18", "224", "94.6", "meta_uscl", "-", "-"] in lines(text)
    assert "nan" not in text
