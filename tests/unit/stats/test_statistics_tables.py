import numpy as np
import pandas as pd
import pytest
from rescored import mean_scores, random_cases, random_images

from uscl.base.seeds import generator
from uscl.metrics.registry import metric_named, names
from uscl.stats.method_test import alone, crossed, jackknife, nested
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import training_scores, without_each_group
from uscl.stats.simulated import simulated_cases, simulated_images
from uscl.stats.summary import COMPARISONS, INTERVALS, comparisons, intervals
from uscl.stats.trainings import trainings

SETTINGS = {"draws": 200, "seed": 0}
PAIRS = [("b", "a"), ("c", "a")]


@pytest.fixture
def cases():
    return random_cases(generator(0, "tables"), ("a", "b", "c"), groups=14)


def test_intervals_have_one_row_per_arm_and_metric(cases):
    table = intervals(cases, "classification", **SETTINGS)
    assert list(table) == INTERVALS
    metrics = names("classification", list("xyz"))
    assert table["arm"].tolist() == [arm for arm in "abc" for _ in metrics]
    assert table["metric"].tolist() == metrics * 3
    assert (table["n"] + table["undefined"] == 4).all()
    assert set(table["n_groups"]) == {14}
    assert set(table["n_cases"]) == {cases["case"].nunique()}
    assert (table["models_ci_low"] < table["models_ci_high"]).all()
    smooth = table["metric"] != "ece"
    assert (table["ci_low"] < table["ci_high"]).equals(smooth)
    assert table.loc[~smooth, "reason"].str.contains("not smooth").all()


def test_the_mean_and_sd_are_those_of_trainings_and_fold_means_have_columns_of_their_own(cases):
    table = intervals(cases, "classification", **SETTINGS).set_index(["arm", "metric"])
    of_arm = cases[cases["arm"] == "b"]
    by_training, by_fold = (of_arm.groupby(keys)["correct"].mean() for keys in (["seed"], ["fold", "seed"]))
    row = table.loc[("b", "accuracy")]
    assert (row["mean"], row["sd"]) == pytest.approx((by_training.mean(), by_training.std()))
    assert (row["fold_mean"], row["fold_sd"]) == pytest.approx((by_fold.mean(), by_fold.std()))
    assert row["trainings"] == 2
    assert table.loc["b", "mean"].to_numpy() == pytest.approx(
        mean_scores(cases[cases["arm"] == "b"], "classification"), nan_ok=True
    )


def test_comparisons_are_of_arm_minus_reference(cases):
    table = comparisons(cases, "classification", PAIRS, **SETTINGS)
    assert list(table) == COMPARISONS
    means = intervals(cases, "classification", **SETTINGS).set_index(["arm", "metric"])["mean"]
    expected = [means[row.arm, row.metric] - means[row.reference, row.metric] for row in table.itertuples()]
    assert table["difference"].to_numpy() == pytest.approx(expected)
    assert table["p_models"].between(1 / 201, 1).all()
    assert table.loc[table["metric"] != "ece", "p"].between(0, 1).all()
    assert table.loc[table["p_mcnemar"].notna(), "metric"].unique().tolist() == ["accuracy"]
    assert table.loc[table["effect"].notna(), "metric"].unique().tolist() == ["accuracy"]


@pytest.mark.parametrize(("form", "test"), [("nested", nested), ("crossed", crossed)])
def test_p_and_intervals_are_those_of_the_method_test(cases, form, test):
    table = comparisons(cases, "classification", PAIRS, **SETTINGS, form=form).set_index(["arm", "metric"])
    panel = to_panel(cases, "classification")
    scores, left_out = training_scores(panel), without_each_group(panel)
    for m, name in enumerate(names("classification", list("xyz"))):
        both = np.concatenate([left_out[m, 1], left_out[m, 0]])
        found = test(scores[m, 1], scores[m, 0], jackknife(both, panel.strata))
        row = table.loc[("b", name)]
        if name == "ece":
            assert row[["p", "ci_low", "ci_high"]].isna().all()
            continue
        expected = (found.p(), *found.interval(), found.from_trainings**0.5, found.from_patients**0.5)
        numbers = row[["p", "ci_low", "ci_high", "se_trainings", "se_patients"]].to_numpy(float)
        assert numbers == pytest.approx(expected, abs=1e-12)
    of_arm = intervals(cases, "classification", **SETTINGS).set_index(["arm", "metric"]).loc[("c", "macro_f1")]
    place = names("classification", list("xyz")).index("macro_f1")
    own = alone(scores[place, 2], jackknife(left_out[place, 2], panel.strata))
    assert tuple(of_arm[["ci_low", "ci_high"]]) == pytest.approx(own.logit_interval())


def test_one_training_supports_no_statement_about_methods(cases):
    once = cases[cases["seed"] == 0]
    compared = comparisons(once, "classification", PAIRS, **SETTINGS)
    assert compared[["p", "ci_low", "ci_high"]].isna().all(axis=None)
    assert compared.loc[compared["metric"] != "ece", "reason"].str.startswith("one training").all()
    assert compared["p_models"].notna().all()
    table = intervals(once, "classification", **SETTINGS)
    assert table[["ci_low", "sd"]].isna().all(axis=None)
    assert table["models_ci_low"].notna().all()


def test_a_deterministic_arm_counts_as_one_training_without_luck(cases):
    first = cases[(cases["arm"] == "a") & (cases["seed"] == 0)]
    mixed = pd.concat([first, first.assign(seed=1), cases[cases["arm"] != "a"]])
    row = comparisons(mixed, "classification", PAIRS, **SETTINGS).set_index(["arm", "metric"]).loc[("b", "accuracy")]
    assert (row["trainings"], row["reference_trainings"], row["deterministic"]) == (2, 1, "a")
    scores = mixed[mixed["arm"] == "b"].groupby("seed")["correct"].mean()
    assert row["se_trainings"] == pytest.approx((scores.var() / 2) ** 0.5)
    assert 0 < row["p"] <= 1
    both = pd.concat([first.assign(arm=arm, seed=seed) for arm in "ab" for seed in (0, 1)])
    row = comparisons(both, "classification", [("b", "a")], **SETTINGS).set_index("metric").loc["accuracy"]
    assert (row["trainings"], row["reference_trainings"], row["deterministic"], row["p"]) == (1, 1, "b a", 1)


def test_an_undefined_estimate_has_its_reason(cases):
    # Class z has no case, so there is no AUROC in any training.
    row = comparisons(cases.assign(label=cases["label"].replace("z", "y")), "classification", PAIRS, **SETTINGS)
    found = row.set_index(["arm", "metric"]).loc[("b", "auroc")]
    assert np.isnan(found["p"])
    assert found["reason"] == "undefined in a training, or without one of the groups"


def test_a_class_of_one_group_leaves_nothing_to_leave_out(cases):
    alone_in_class = cases.assign(label=np.where(cases["group"] == "g00", "x", "y"))
    compared = comparisons(alone_in_class, "classification", PAIRS, **SETTINGS)
    assert compared["p"].isna().all()
    assert compared.loc[compared["metric"] == "accuracy", "reason"].str.contains("single group").all()


def test_comparisons_of_segmentation_have_effects_of_image_scores():
    images = random_images(generator(0, "images"))
    table = comparisons(images, "segmentation", [("b", "a")], **SETTINGS).set_index("metric")
    assert table.index[table["effect"].notna()].tolist() == ["dice", "iou", "hd95"]
    assert table["p_mcnemar"].isna().all()
    means = images.groupby(["arm", "group", "case"])["hd95"].mean().groupby(["arm", "group"]).mean()
    gain = means["b"] - means["a"]
    assert table.loc["hd95", "effect"] == pytest.approx(gain.mean() / gain.std())


def test_mcnemar_decides_by_the_mean_probability_over_seeds():
    rows = [("a", 0, 0.9), ("a", 1, 0.2), ("b", 0, 0.45), ("b", 1, 0.45)]
    table = pd.DataFrame(rows, columns=["arm", "seed", "p_x"]).assign(label="x", fold=0, unit="patient")
    table["p_y"] = 1 - table["p_x"]
    table["predicted"] = np.where(table["p_x"] >= 0.5, "x", "y")
    cases = pd.concat([table.assign(case=f"c{i}", group=f"g{i}") for i in range(5)])
    found = comparisons(cases, "classification", [("a", "b")], **SETTINGS).set_index("metric")
    assert found.loc["accuracy", "p_mcnemar"] == pytest.approx(2 / 2**5)


@pytest.mark.parametrize("kind", ["classification", "segmentation"])
def test_the_order_of_rows_and_arms_changes_no_number(kind):
    make = random_cases if kind == "classification" else random_images
    cases = make(generator(0, "order"), ("a", "b", "c"))
    shuffled = cases.sample(frac=1, random_state=3)
    for first, second, keys in [
        (intervals(cases, kind, **SETTINGS), intervals(shuffled, kind, **SETTINGS), ["arm", "metric"]),
        (
            comparisons(cases, kind, PAIRS, **SETTINGS),
            comparisons(shuffled, kind, PAIRS[::-1], **SETTINGS),
            ["arm", "reference", "metric"],
        ),
    ]:
        expected, found = first.set_index(keys).sort_index(), second.set_index(keys).sort_index()
        pd.testing.assert_frame_equal(expected, found, rtol=1e-12, atol=1e-12)


def test_a_pair_is_the_same_whatever_else_is_compared(cases):
    alone = comparisons(cases[cases["arm"] != "c"], "classification", PAIRS[:1], **SETTINGS)
    among = comparisons(cases, "classification", PAIRS, **SETTINGS)
    pd.testing.assert_frame_equal(alone, among[among["arm"] == "b"], rtol=1e-12, atol=1e-12)


def test_the_same_seed_gives_the_same_numbers_and_another_others(cases):
    first, again = (comparisons(cases, "classification", PAIRS, **SETTINGS) for _ in range(2))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    other = comparisons(cases, "classification", PAIRS, draws=200, seed=1)
    assert not first["p_models"].equals(other["p_models"])
    assert not first["models_ci_low"].equals(other["models_ci_low"])
    assert first[["difference", "p", "ci_low"]].equals(other[["difference", "p", "ci_low"]])


def test_an_unknown_arm_is_named_and_no_pairs_give_no_rows(cases):
    with pytest.raises(ValueError, match="no cases of arm d"):
        comparisons(cases, "classification", [("d", "a")], **SETTINGS)
    empty = comparisons(cases, "classification", [], **SETTINGS)
    assert (len(empty), list(empty)) == (0, COMPARISONS)


def test_one_fold_one_seed_and_one_group_give_a_table_with_gaps():
    cases = random_cases(generator(2, "single"), groups=1, folds=1, seeds=1)
    table = intervals(cases, "classification", **SETTINGS)
    assert table["sd"].isna().all()
    compared = comparisons(cases, "classification", [("a", "b")], **SETTINGS)
    assert compared["p_models"].dropna().between(0.4, 1).all()
    assert compared[["p", "p_resampled_t", "p_permutation", "effect"]].isna().all(axis=None)
    assert table[["ci_low", "models_ci_low"]].isna().all(axis=None)


@pytest.mark.parametrize("kind", ["classification", "segmentation"])
def test_a_planted_effect_is_found_and_a_planted_null_is_not(kind):
    skills = {"reference": 0.5, "equal": 0.5, "better": 1.3}
    if kind == "classification":
        cases = simulated_cases(generator(0, "planted"), skills, groups=120, cases=3, folds=5, seeds=3)
        primary, higher = "macro_f1", ["accuracy", "balanced_accuracy", "macro_f1", "auroc"]
    else:
        cases = simulated_images(generator(0, "planted"), skills, images=150, folds=5, seeds=3)
        primary, higher = "dice", ["dice", "median_dice", "iou"]
    pairs = [("better", "reference"), ("equal", "reference")]
    table = comparisons(cases, kind, pairs, draws=399, seed=0).set_index(["arm", "metric"])
    better, equal = table.loc["better"], table.loc["equal"]
    smooth = [name for name in higher if metric_named(name).smooth]
    assert (better.loc[smooth, "p"] < 0.01).all()
    assert (better.loc[smooth, "ci_low"] > 0).all()
    assert (better.loc[higher, "p_models"] < 0.01).all()
    assert (better.loc[higher, "models_ci_low"] > 0).all()
    assert better.loc[primary, "probability_of_improvement"] > 0.8
    if kind == "segmentation":
        assert (better.loc["hd95", ["ci_high", "effect"]] < 0).all()
        assert better.loc["hd95", "probability_of_improvement"] > 0.8
    assert equal.loc[primary, "p"] > 0.05
    assert equal.loc[primary, "ci_low"] < 0 < equal.loc[primary, "ci_high"]
    spread = intervals(cases, kind, draws=399, seed=0).set_index(["arm", "metric"])
    assert spread.loc[("better", primary), "ci_low"] > spread.loc[("reference", primary), "mean"]


@pytest.mark.parametrize("make", [random_cases, random_images])
def test_intervals_end_at_the_limits_of_a_metric(make):
    # Few groups of chance answers: the shift of biased draws would take some ends below 0 or above 1.
    kind = "classification" if make is random_cases else "segmentation"
    tables = [intervals(make(generator(seed, "few"), ("a", "b"), groups=6), kind, **SETTINGS) for seed in range(5)]
    for row in pd.concat(tables).dropna(subset=["models_ci_low"]).itertuples():
        smallest, largest = metric_named(row.metric).limits
        assert smallest <= row.models_ci_low <= row.models_ci_high <= largest
        assert not row.ci_low < smallest or metric_named(row.metric).name == "hd95"
        assert not row.ci_high > largest


def test_every_training_has_a_score(cases):
    found = trainings(cases, "classification")
    assert list(found) == ["arm", "seed", "metric", "value"]
    assert len(found) == 3 * 2 * len(names("classification", list("xyz")))
    value = found.set_index(["arm", "seed", "metric"])["value"]["b", 1, "accuracy"]
    assert value == pytest.approx(cases[(cases["arm"] == "b") & (cases["seed"] == 1)]["correct"].mean())
    assert trainings(cases.iloc[:0], "classification").empty
