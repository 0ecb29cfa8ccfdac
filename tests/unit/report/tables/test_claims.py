import numpy as np
import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.claims import claims, claims_markdown
from uscl.stats.simulated import simulated_cases
from uscl.stats.summary import comparisons

MACRO_F1 = ("busi", "finetune", "macro_f1")
ACCURACY = ("busi", "finetune", "accuracy")
DICE = ("segmentation", "finetune", "dice")


def claimed(difference=0.008, p=0.31, ci=(-0.004, 0.02), where=MACRO_F1):
    table = frames.comparisons([("meta_uscl", "imagenet", *where, difference, p)])
    return claims(table.assign(ci_low=ci[0], ci_high=ci[1])).iloc[0]


def test_a_comparison_is_one_plain_sentence():
    claim = claimed()
    assert claim["sentence"] == (
        "meta_uscl against imagenet on busi (finetune), macro-F1: +0.8 points, 95 % CI -0.4 to 2.0, Holm p 0.31:"
        " not shown."
    )
    assert claim["verdict"] == "not shown"


def test_the_verdict_is_that_of_the_corrected_test():
    assert claimed(0.05, 0.01, (0.01, 0.09))["sentence"].endswith("95 % CI 1.0 to 9.0, Holm p 0.01: better.")
    assert claimed(-0.05, 0.01, (-0.09, -0.01))["sentence"].endswith("95 % CI -9.0 to -1.0, Holm p 0.01: worse.")
    assert claimed(0.05, 0.05, (-0.01, 0.11))["verdict"] == "not shown"
    assert claimed(0.05, 0.0499, (0.01, 0.09), DICE)["sentence"].endswith(
        "Dice: +5.0 points, 95 % CI 1.0 to 9.0, Holm p 0.0499: better."
    )


def test_where_interval_and_test_disagree_both_are_stated():
    claim = claimed(0.05, 0.2, (0.01, 0.09))
    assert claim["verdict"] == "not shown"
    assert claim["sentence"].endswith("Holm p 0.2: not shown, though the uncorrected interval excludes 0.")
    claim = claimed(0.05, 0.01, (-0.01, 0.09))
    assert claim["verdict"] == "better"
    assert claim["sentence"].endswith("Holm p 0.01: better by the test, though the interval includes 0.")


def test_an_undefined_difference_is_not_shown():
    claim = claimed(np.nan, np.nan, (np.nan, np.nan))
    assert claim["verdict"] == "not shown"
    assert claim["sentence"] == "meta_uscl against imagenet on busi (finetune), macro-F1: undefined: not shown."


def test_only_primary_metrics_are_claimed_and_corrected_together():
    rows = [
        (arm, "imagenet", *where, 0.1, p) for where, p in ((ACCURACY, 0.04), (MACRO_F1, 0.02)) for arm in ("a", "b")
    ]
    found = claims(frames.comparisons([*rows, ("a", "b", *DICE, 0.1, 0.03)]))
    assert found[["arm", "reference", "metric"]].to_numpy().tolist() == [
        ["a", "imagenet", "macro_f1"],
        ["b", "imagenet", "macro_f1"],
        ["a", "b", "dice"],
    ]
    assert found["p_holm"].tolist() == pytest.approx([0.06, 0.06, 0.06])
    assert list(found.columns) == [
        *("arm", "reference", "task", "regime", "metric", "difference", "ci_low", "ci_high", "p", "p_holm"),
        *("p_mcnemar", "p_resampled_t", "effect", "probability_of_improvement", "n_groups", "n_cases"),
        *("verdict", "sentence"),
    ]


def test_views_that_macro_f1_does_not_have_are_those_of_accuracy():
    table = frames.comparisons([("a", "imagenet", *ACCURACY, 0.1, 0.3), ("a", "imagenet", *MACRO_F1, 0.1, 0.2)])
    found = claims(pd.concat([table, frames.comparisons([("a", "imagenet", *DICE, 0.1, 0.2)]).assign(effect=0.7)]))
    assert found["p_mcnemar"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)
    assert found["effect"].tolist() == [0.5, 0.7]


def test_all_sentences_are_in_their_section_and_the_shown_ones_at_the_top():
    rows = [("a", "imagenet", *MACRO_F1, 0.1, 0.0001), ("b", "imagenet", *MACRO_F1, 0.1, 0.4)]
    found = claims(frames.comparisons([*rows, ("a", "imagenet", *DICE, 0.1, 0.9)]))
    text = claims_markdown(found)
    shown, hidden, of_dice = found["sentence"]
    assert text.startswith(f"# What is shown\n\nOf 3 comparisons, 1 shows a difference:\n\n- {shown}\n\n")
    assert text.count(shown) == 2
    section = text.partition("## busi, finetune")[2].partition("## segmentation, finetune")
    assert shown in section[0]
    assert hidden in section[0]
    assert of_dice in section[2]
    assert "| a against imagenet | < 0.001 | 0.4         | -       | -      | 75 %  |" in section[0]
    assert claims_markdown(found) == text


def test_without_a_shown_difference_the_page_begins_with_that():
    found = claims(frames.comparisons([("a", "imagenet", *MACRO_F1, 0.1, 0.4)]))
    assert "Of 1 comparisons, none shows a difference." in claims_markdown(found)
    assert "nothing to compare" in claims_markdown(claims(frames.comparisons([])))


def impossible(groups, p_of_others=(), draws=None):
    rows = [("a", "imagenet", *MACRO_F1, 0.1, 0.3), ("b", "imagenet", *MACRO_F1, 0.1, 0.3)]
    others = [(f"c{i}", "imagenet", *DICE, 0.1, p) for i, p in enumerate(p_of_others)]
    table = frames.comparisons(rows + others)
    table.loc[table["task"] == "busi", "n_groups"] = groups
    lines = claims_markdown(claims(table), draws).splitlines()
    return [line for line in lines if line.startswith("No difference on")]


def test_a_task_that_can_show_nothing_is_named():
    assert impossible(5) == [
        "No difference on busi can be shown, however large: with 5 patients (else videos, else images) the test's"
        " smallest possible p is 0.062, or 0.12 after the correction."
    ]
    # Two tests at 2^-5 are 0.0625 after the correction, two at 2^-6 are 0.031.
    assert len(impossible(6)) == 1
    assert impossible(7) == []


def test_whether_a_task_can_show_something_depends_on_the_other_tests_of_the_family():
    # Other tests that come after it make the correction stricter, those that come before do not.
    assert len(impossible(7, p_of_others=[0.5, 0.6])) == 1
    assert impossible(7, p_of_others=[0.0001, 0.0001]) == []


def test_few_draws_make_a_task_unable_to_show_anything():
    assert impossible(30, draws=1000) == []
    found = impossible(30, draws=20, p_of_others=[0.0001])
    assert "30 patients (else videos, else images) and 20 draws the test's smallest possible p is 0.048" in found[0]


def test_a_planted_effect_is_claimed_and_a_planted_null_is_not():
    random = np.random.default_rng(0)
    skills = {"imagenet": 0.0, "null": 0.0, "effect": 3.0}
    cases = simulated_cases(random, skills, groups=40, cases=3, folds=2, seeds=2)
    pairs = [("null", "imagenet"), ("effect", "imagenet")]
    table = comparisons(cases, "classification", pairs, draws=500, seed=0).assign(task="busi", regime="knn")
    assert claims(table)["verdict"].tolist() == ["not shown", "better"]
