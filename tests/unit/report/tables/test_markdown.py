import pytest
import study_frames as frames

from uscl.report.tables.claims import claims
from uscl.report.tables.markdown import markdown
from uscl.report.tables.result_table import result_table

MACRO_F1, ACCURACY, DICE, HD95 = (
    ("busi", "finetune", "macro_f1"),
    ("busi", "finetune", "accuracy"),
    ("segmentation", "finetune", "dice"),
    ("segmentation", "finetune", "hd95"),
)
MEANS = {"random": 0.4, "imagenet": 0.5, "uscl": 0.6, "meta_uscl": 0.7}
SCORES = {ACCURACY: MEANS, MACRO_F1: MEANS, DICE: MEANS, HD95: dict.fromkeys(MEANS, 9.25)}


def written(
    scores=SCORES,
    p=1.0,
    missing=(),
    with_costs=True,
    change=None,
    remarks=None,
    primary=True,
    simulated=False,
    at_chance=(),
    mixed=(),
):
    intervals, comparisons = frames.study(scores, p)
    if change:
        change(intervals)
    costs = frames.costs(intervals)
    made = claims(comparisons, frames.primary(comparisons[comparisons["metric"] != "accuracy"]) if primary else [])
    table = result_table(
        intervals,
        comparisons,
        made,
        costs,
        frames.provenance(intervals),
        arms=list(dict.fromkeys(intervals["arm"])),
        labelled=["uscl"],
        reference="imagenet",
        missing=missing,
        remarks=remarks or {},
        at_chance=at_chance,
    )
    return markdown(table, made, "embedded", costs=costs if with_costs else None, simulated=simulated, mixed=mixed)


def cells(text, arm, heading):
    """The cells of an arm's line in the grid under a heading."""
    part = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    line = next(line for line in part.splitlines() if line.startswith(f"| {arm} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_line_has_all_main_metrics_then_rank_and_the_comparison_with_the_reference():
    text = written()
    assert text.startswith("# Results of the study `embedded`\n")
    score = "40.0 ± 2.0 [35.0, 45.0]"
    against = ["4", "-10.0", "1", "0.03"]
    assert cells(text, "random", "busi, finetune") == ["random", score, score, *against]
    assert cells(text, "random", "segmentation, finetune") == ["random", score, "9.2 ± 0.0 [9.2, 9.3]", *against]
    assert cells(text, "imagenet", "busi, finetune")[-4:] == ["3", "-", "-", "-"]
    header = cells(text, "arm", "busi, finetune")
    assert header[-4:] == ["rank, macro-F1", "minus imagenet", "p, methods", "p, these models"]
    assert "frame-size HD95 (pixels) ↓" in text
    assert "120 test cases of 30 patients; 5 trainings per arm." in text
    assert text.index("## busi, finetune") < text.index("## segmentation, finetune")


def test_only_what_a_primary_comparison_shows_is_bold():
    text = written(p=0.0001)
    score = "70.0 ± 2.0 [65.0, 75.0]"
    assert cells(text, "meta_uscl", "busi, finetune")[1:3] == [score, f"**{score}**"]  # accuracy is not primary
    assert "**" not in "".join(cells(text, "random", "busi, finetune"))
    assert "**Bold**: shown by the method test to be better than another arm in a primary comparison" in text
    without = written(p=1.0)
    assert "**" not in without
    assert "Nothing is bold" in without


def test_a_study_without_primary_comparisons_claims_nothing():
    text = written(p=0.0001, primary=False)
    assert "**" not in text
    assert "names no primary comparison, so nothing is bold and nothing is claimed" in text


def test_one_training_has_an_interval_of_these_models_in_braces():
    def once(intervals):
        intervals[["sd", "ci_low", "ci_high"]] = float("nan")
        intervals["trainings"] = 1

    text = written(change=once)
    assert cells(text, "random", "busi, finetune")[1] == "40.0 {37.0, 43.0}"
    assert "1 training per arm." in text


def test_a_simulated_study_says_so_once():
    assert written(simulated=True).count("machinery") == 1
    assert "machinery" not in written()


def test_the_number_of_shown_comparisons_is_stated():
    assert "- 0 of 9 primary comparisons show a difference" in written(p=1.0)
    assert "- 9 of 9 primary comparisons show a difference" in written(p=0.0001)


def test_an_arm_that_sees_labels_is_marked():
    text = written()
    assert cells(text, "uscl", "busi, finetune")[0] == "uscl †"
    assert cells(text, "meta_uscl", "busi, finetune")[0] == "meta_uscl"
    assert "†: sees class labels of the pretraining pool" in text


def test_an_arm_that_has_learned_nothing_is_marked():
    text = written(at_chance=["uscl"])
    assert cells(text, "uscl", "busi, finetune")[0] == "uscl † ‡"
    assert "- ‡: a pretraining of the arm has not learned to tell videos apart; see its remark." in text
    assert "‡" not in written()


def test_what_is_missing_or_undefined_has_its_reason():
    def undefined(intervals):
        of_random = (intervals["arm"] == "random") & (intervals["metric"] == "accuracy")
        intervals.loc[of_random, ["mean", "sd", "ci_low", "ci_high", "models_ci_low"]] = float("nan")
        intervals.loc[of_random, ["n", "undefined"]] = [0, 6]

    missing = [(None, "segmentation", "knn", "no such probe"), ("uscl", "busi", "knn", "cut off")]
    text = written(missing=missing, change=undefined)
    assert "- segmentation, knn: not evaluated (all arms): no such probe." in text
    assert "- busi, knn: not evaluated (uscl): cut off." in text
    assert "- busi, finetune: accuracy (random): undefined in 6 of 6 folds." in text
    assert "## segmentation, knn" not in text
    assert cells(text, "random", "busi, finetune")[1] == "undefined"
    assert "Missing and undefined" not in written()


def test_an_arm_without_an_evaluation_that_others_have_is_called_missing():
    part = SCORES | {DICE: {arm: MEANS[arm] for arm in ("imagenet", "uscl")}}
    del part[HD95]
    text = written(part, missing=[("random", "segmentation", "finetune", "cut off")])
    assert cells(text, "random", "segmentation, finetune") == ["random", "missing", "-", "-", "-", "-"]


def test_costs_have_images_and_parameters_and_if_known_time_and_memory():
    text = written()
    assert cells(text, "meta_uscl", "Costs") == [
        "meta_uscl",
        "11,176,512",
        "90,000",
        "1,500",
        "1.9 h",
        "2.0 h",
        "512 MiB",
    ]
    assert cells(text, "imagenet", "Costs") == ["imagenet", "11,176,512", "0", "0", "-", "-", "512 MiB"]
    assert cells(text, "busi", "Costs") == ["busi", "finetune", "1,200", "25 s", "30 s"]
    text = written(with_costs=False)
    assert cells(text, "meta_uscl", "Costs") == ["meta_uscl", "11,176,512", "90,000"]


@pytest.mark.parametrize(
    "words",
    [
        "± is the standard deviation over trainings",
        "a bootstrap that draws patients",
        "AUROC is the mean over folds",
        "Bold follows\n  them alone",
        "not corrected for the number of comparisons",
        "Two empty masks agree (Dice and IoU 1, HD95 0)",
        "the study's frame size",
    ],
)
def test_the_table_explains_its_numbers(words):
    assert words in written()


def test_a_study_of_one_arm_has_no_comparisons():
    text = written({MACRO_F1: {"imagenet": 0.5}})
    assert "names no primary comparison" in text
    assert "permutation" not in text


def test_metrics_by_class_are_not_shown():
    def undefined(intervals):
        intervals.loc[intervals["metric"] == "sensitivity_benign", ["n", "undefined"]] = [4, 2]

    scores = SCORES | {("busi", "finetune", "sensitivity_benign"): MEANS}
    text = written(scores, change=undefined)
    assert "sensitivity" not in text
    assert "undefined in" not in text


def test_equal_inputs_are_equal_text():
    assert written() == written()


def test_an_arms_remarks_come_before_the_tables():
    text = written(remarks={"uscl": ["shared settings", "trains on more"]})
    assert "\n- `uscl`: shared settings; trains on more.\n" in text.partition("## ")[0]
    assert "`random`:" not in text


def test_a_table_of_runs_with_different_packages_says_so():
    assert "different versions" not in written()
    versions = ["numpy 1 / 2", "torch 3 / 4"]
    message = f"made with different versions of packages, so arms may differ by them: {', '.join(versions)}."
    assert f"- The runs were {message}\n" in written(mixed=versions)
