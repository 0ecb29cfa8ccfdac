import numpy as np
import pandas as pd
import pytest
import study_frames as frames

from uscl.report.tables.claims import COLUMNS, SIMULATED, claims, claims_markdown
from uscl.stats.simulated import simulated_cases
from uscl.stats.summary import comparisons

MACRO_F1 = ("busi", "finetune", "macro_f1")
ACCURACY = ("busi", "finetune", "accuracy")
DICE = ("segmentation", "finetune", "dice")
HD95 = ("segmentation", "finetune", "hd95")


def all_primary(table, **options):
    return claims(table, frames.primary(table), **options)


def claimed(difference=0.008, p=0.31, where=MACRO_F1, **changed):
    return all_primary(frames.comparisons([("meta_uscl", "imagenet", *where, difference, p)]).assign(**changed)).iloc[0]


def test_a_primary_comparison_is_one_plain_sentence():
    claim = claimed()
    assert claim["sentence"] == (
        "meta_uscl against imagenet on busi (finetune), macro-F1: +0.8 points, 95 % CI -1.2 to 2.8, p 0.31, Holm p"
        " 0.31, 5 trainings each: not shown."
    )
    assert claim["verdict"] == "not shown"
    assert claim["level"] == "frame"


def test_a_secondary_comparison_has_no_verdict_word():
    claim = claims(frames.comparisons([("meta_uscl", "imagenet", *MACRO_F1, 0.2, 0.0001)])).iloc[0]
    assert claim["sentence"].endswith(": +20.0 points, 95 % CI 18.0 to 22.0, p < 0.001, 5 trainings each.")
    assert pd.isna(claim["verdict"])
    assert pd.isna(claim["p_holm"])


def test_three_trainings_are_exploratory():
    sentence = claimed(0.1, 0.01, trainings=3, reference_trainings=3)["sentence"]
    assert sentence.endswith("3 trainings each (exploratory): better.")
    sentence = claimed(0.1, 0.01, reference_trainings=3)["sentence"]
    assert sentence.endswith("5 against 3 trainings (exploratory): better.")


def test_two_trainings_are_too_few_for_a_verdict():
    claim = claimed(0.1, 0.001, trainings=2, reference_trainings=2)
    assert claim["sentence"].endswith("2 trainings each (3 are the least for a verdict): no claim.")


def test_a_primary_comparison_whose_run_failed_is_listed_without_a_claim():
    table = frames.comparisons([("a", "imagenet", *MACRO_F1, 0.1, 0.01)])
    gone = {"arm": "b", "reference": "imagenet", "task": "busi", "regime": "finetune", "metric": "macro_f1"}
    found = claims(table, [*frames.primary(table), gone])
    assert found["verdict"].tolist() == ["better", "no claim"]
    assert found["sentence"].tolist()[0].endswith("5 trainings each: better.")
    assert found["sentence"].tolist()[1] == (
        "b against imagenet on busi (finetune), macro-F1: not compared, because a run failed: no claim."
    )
    assert "Of 2 primary comparisons, 1 shows a difference:" in claims_markdown(found)
    nothing = claims(frames.comparisons([]), [gone])
    assert "Of 1 primary comparison, none shows a difference:" in claims_markdown(nothing)


def test_one_training_is_no_claim_and_the_sentence_says_so():
    nothing = dict.fromkeys(["ci_low", "ci_high", "se_trainings", "se_patients", "df"], np.nan)
    reason = "one training: it says something about these models only"
    claim = claimed(0.1, np.nan, trainings=1, reference_trainings=1, reason=reason, **nothing)
    assert claim["verdict"] == "no claim"
    assert claim["sentence"] == (
        "meta_uscl against imagenet on busi (finetune), macro-F1: +10.0 points, one training: it says something about"
        " these models only: no claim about the methods."
    )


def test_two_deterministic_arms_are_compared_over_patients_alone():
    claim = claimed(0.1, 0.01, trainings=1, reference_trainings=1, deterministic="meta_uscl imagenet")
    assert claim["sentence"].endswith("both arms are deterministic, so this is a test over patients alone: better.")


def test_a_metric_with_a_unit_is_written_in_it():
    assert ": -4.0 pixels, 95 % CI -4.0 to -4.0, " in claimed(-4.0, 0.01, HD95)["sentence"]


def test_an_undefined_difference_is_no_claim():
    claim = claimed(np.nan, np.nan)
    assert claim["verdict"] == "no claim"
    assert claim["sentence"] == "meta_uscl against imagenet on busi (finetune), macro-F1: undefined: no claim."


def test_a_remark_on_a_pair_follows_the_verdict():
    table = frames.comparisons([("a", "b", *MACRO_F1, 0.1, 0.01), ("b", "a", *MACRO_F1, -0.1, 0.01)])
    found = all_primary(table, remarks={("a", "b"): "a is at chance"})
    assert found["sentence"].iloc[0].endswith(": better. a is at chance.")
    assert found["sentence"].iloc[1].endswith(": worse.")


def test_primary_comparisons_come_first_then_all_others_on_the_main_metrics():
    rows = [
        (arm, "imagenet", *where, 0.1, p) for where, p in ((ACCURACY, 0.04), (MACRO_F1, 0.02)) for arm in ("a", "b")
    ]
    table = frames.comparisons([*rows, ("a", "b", *DICE, 0.1, 0.03)])
    primary = frames.primary(table[(table["arm"] == "b") & (table["metric"] == "accuracy")])
    found = claims(table, primary)
    assert found[["primary", "arm", "reference", "metric"]].to_numpy().tolist() == [
        [True, "b", "imagenet", "accuracy"],
        [False, "a", "imagenet", "macro_f1"],
        [False, "b", "imagenet", "macro_f1"],
        [False, "a", "b", "dice"],
    ]
    assert list(found.columns) == COLUMNS


def test_views_that_macro_f1_does_not_have_are_those_of_accuracy():
    table = frames.comparisons([("a", "imagenet", *ACCURACY, 0.1, 0.3), ("a", "imagenet", *MACRO_F1, 0.1, 0.2)])
    found = claims(pd.concat([table, frames.comparisons([("a", "imagenet", *DICE, 0.1, 0.2)]).assign(effect=0.7)]))
    assert found["p_mcnemar"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)
    assert found["effect"].tolist() == [0.5, 0.7]


def test_the_page_has_the_verdicts_first_and_the_secondary_grid_by_task():
    rows = [("a", "imagenet", *MACRO_F1, 0.1, 0.0001), ("b", "imagenet", *MACRO_F1, 0.1, 0.4)]
    table = frames.comparisons([*rows, ("a", "imagenet", *DICE, 0.1, 0.9)])
    found = claims(table, frames.primary(table.iloc[[0]]))
    text = claims_markdown(found)
    primary, secondary = text.split("## Secondary comparisons")
    assert primary.startswith(
        f"# What is shown\n\nOf 1 primary comparison, 1 shows a difference:\n\n- {found['sentence'][0]}\n"
    )
    assert "better" not in secondary.replace("is better;", "")
    busi, segmentation = secondary.split("### segmentation, finetune")
    line = next(line for line in busi.splitlines() if line.startswith("| b against imagenet"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    points = "+10.0 points [8.0, 12.0]"
    assert cells == ["b against imagenet", points, "0.4", points, "0.03", "0.2", "0.4", "-", "-", "75 %"]
    assert "a against imagenet" in segmentation
    assert claims_markdown(found) == text


def test_the_page_says_what_was_not_shown_not_named_or_not_compared():
    table = frames.comparisons([("a", "imagenet", *MACRO_F1, 0.1, 0.4)])
    assert "Of 1 primary comparison, none shows a difference:" in claims_markdown(all_primary(table))
    assert "names no primary comparison" in claims_markdown(claims(table))
    failed = [("b", "busi", "finetune", "out of memory")]
    assert "- b on busi (finetune): out of memory" in claims_markdown(claims(table), failed)
    assert "nothing to compare" in claims_markdown(claims(frames.comparisons([])))


def test_the_page_gives_the_margins_with_their_reasons_and_says_that_data_are_simulated():
    table = frames.comparisons([("a", "imagenet", *MACRO_F1, 0.1, 0.4)])
    margins = {"busi": {"points": 2.5, "reason": "One more correct case in forty."}}
    text = claims_markdown(all_primary(table, margins=margins), margins=margins, simulated=True)
    assert "- Margin on busi: 2.5 points. One more correct case in forty." in text
    assert text.splitlines()[2] == SIMULATED
    assert SIMULATED not in claims_markdown(all_primary(table))


def test_a_planted_effect_is_claimed_and_a_planted_null_is_not():
    random = np.random.default_rng(0)
    skills = {"imagenet": 0.0, "null": 0.0, "effect": 3.0}
    cases = simulated_cases(random, skills, groups=40, cases=3, folds=2, seeds=3)
    pairs = [("null", "imagenet"), ("effect", "imagenet")]
    table = comparisons(cases, "classification", pairs, draws=500, seed=0).assign(task="busi", regime="knn")
    primary = [
        dict(zip(("arm", "reference"), pair, strict=True), task="busi", regime="knn", metric="macro_f1")
        for pair in pairs
    ]
    assert claims(table, primary)["verdict"].tolist() == ["not shown", "better"]
