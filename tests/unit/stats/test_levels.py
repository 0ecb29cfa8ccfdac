"""Videos and patients as cases, against plain loops over stored predictions and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from uscl.base.errors import UserError
from uscl.metrics.scores import case_scores
from uscl.stats.evaluation import fold_metrics
from uscl.stats.level_tables import each_level, main_level, with_level, with_rule
from uscl.stats.levels import Asked, at_level, by_level, chosen_levels
from uscl.stats.summary import comparisons, intervals
from uscl.stats.trainings import trainings

CLASSES = ["covid", "pneumonia", "regular"]
KIND = "classification"
SETTINGS = {"draws": 200, "seed": 0}


def stored(seed=0, *, patients=18, arms=("a", "b"), seeds=(0, 1, 2), videos=3, mixed=False):
    """Stored predictions: patients with one to three videos of one to four frames, in two folds."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        label = CLASSES[patient % 3]
        for video in range(random.integers(1, videos + 1)):
            for frame in range(random.integers(1, 5)):
                name = f"{label}{patient:02d}_{video}.mp4"
                own = CLASSES[(patient + 1) % 3] if mixed and patient == 4 and video == 0 and frame == 0 else label
                rows.append(
                    (f"{name}#{frame}", name, f"p{patient}", f"patient p{patient}", "patient", own, patient % 2)
                )
    cases = pd.DataFrame(rows, columns=["case", "video", "patient", "group", "unit", "label", "fold"])
    tables = []
    for arm in arms:
        for training in seeds:
            p = random.dirichlet(np.ones(3), size=len(cases))
            table = cases.assign(arm=arm, task="pocus", regime="knn", labels=100, seed=training)
            tables.append(table.assign(**{f"p_{name}": p[:, number] for number, name in enumerate(CLASSES)}))
    return pd.concat(tables, ignore_index=True)


def slow(predictions, column, rule):
    """A loop over single cases: probabilities and prediction by (arm, seed, name)."""
    found = {}
    for key in dict.fromkeys(zip(predictions["arm"], predictions["seed"], predictions[column], strict=True)):
        arm, training, name = key
        rows = [
            [row[f"p_{each}"] for each in CLASSES]
            for row in predictions.to_dict("records")
            if (row["arm"], row["seed"], row[column]) == (arm, training, name)
        ]
        mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        if rule == "mean_probability":
            found[key] = mean, CLASSES[mean.index(max(mean))]
            continue
        votes = [sum(row.index(max(row)) == number for row in rows) for number in range(3)]
        best = max(range(3), key=lambda number: (votes[number], mean[number]))
        found[key] = [count / len(rows) for count in votes], CLASSES[best]
    return found


@pytest.mark.parametrize(("level", "column"), [("video", "video"), ("patient", "group")])
@pytest.mark.parametrize("rule", ["mean_probability", "majority_vote"])
def test_cases_of_a_level_are_those_of_a_plain_loop(level, column, rule):
    predictions = stored()
    found = at_level(case_scores(predictions, KIND), level, rule)
    expected = slow(predictions, column, rule)
    assert len(found) == len(expected)
    assert list(found) == list(case_scores(predictions, KIND))
    for row in found.to_dict("records"):
        shares, predicted = expected[row["arm"], row["seed"], row["case"]]
        assert [row[f"p_{name}"] for name in CLASSES] == pytest.approx(shares)
        assert row["predicted"] == predicted
        assert row["correct"] == (predicted == row["label"])


def test_a_vote_is_not_a_mean_and_the_mean_breaks_its_ties():
    rows = [("v#0", 0.6, 0.4), ("v#1", 0.6, 0.4), ("v#2", 0.0, 1.0), ("w#0", 0.6, 0.4), ("w#1", 0.1, 0.9)]
    table = pd.DataFrame(rows, columns=["case", "p_a", "p_b"])
    table = table.assign(video=table["case"].str[0], patient="", group=table["case"].str[0], unit="video", label="a")
    cases = case_scores(table.assign(arm="x", task="t", regime="r", labels=100, seed=0, fold=0), KIND)
    assert at_level(cases, "video", "mean_probability")["predicted"].tolist() == ["b", "b"]
    vote = at_level(cases, "video", "majority_vote")
    assert vote["predicted"].tolist() == ["a", "b"]
    assert vote["p_a"].tolist() == pytest.approx([2 / 3, 0.5])


def test_scores_of_every_level_are_those_of_scikit_learn_on_stored_predictions():
    predictions = stored()
    levels = by_level(case_scores(predictions, KIND), KIND, Asked(["frame", "video", "patient"]), "pocus")
    found = (
        each_level(levels, lambda cases: trainings(cases, KIND))
        .set_index(["level", "arm", "seed", "metric"])
        .sort_index()
    )
    p = [f"p_{name}" for name in CLASSES]
    for level, column in (("frame", "case"), ("video", "video"), ("patient", "patient")):
        for (arm, training), cell in predictions.groupby(["arm", "seed"]):
            means = cell.groupby([column, "label", "fold"], as_index=False)[p].mean()
            answers = np.array(CLASSES)[means[p].to_numpy().argmax(axis=1)]
            f1 = f1_score(means["label"], answers, labels=CLASSES, average="macro", zero_division=0)
            areas = [
                roc_auc_score(part["label"] == name, part[f"p_{name}"])
                for _, part in means.groupby("fold")
                for name in CLASSES
            ]
            values = found["value"][level, arm, training]
            assert values["macro_f1"] == pytest.approx(f1)
            assert values["auroc"] == pytest.approx(np.mean(areas))
            assert values["accuracy"] == pytest.approx((answers == means["label"]).mean())


def test_intervals_tests_and_mcnemar_take_the_cases_of_the_level():
    frames = case_scores(stored(), KIND)
    levels = by_level(frames, KIND, Asked(["patient", "frame"]), "pocus")
    found = each_level(levels, lambda cases: intervals(cases, KIND, **SETTINGS))
    assert found["level"].drop_duplicates().tolist() == ["patient", "frame"]
    assert main_level(found)["level"].unique().tolist() == ["patient"]
    sizes = found.groupby("level")["n_cases"].unique().map(list).to_dict()
    assert sizes == {"patient": [18], "frame": [frames["case"].nunique()]}
    assert (found["n_groups"] == 18).all()
    compared = each_level(levels, lambda cases: comparisons(cases, KIND, [("a", "b")], **SETTINGS))
    alone = comparisons(levels["patient"], KIND, [("a", "b")], **SETTINGS)
    pd.testing.assert_frame_equal(compared[compared["level"] == "patient"].drop(columns="level"), alone)
    of_accuracy = compared[compared["metric"] == "accuracy"].set_index("level")
    assert of_accuracy["p_mcnemar"]["patient"] != of_accuracy["p_mcnemar"]["frame"]
    assert fold_metrics(levels["patient"], KIND)["fold"].nunique() == 2


def test_without_a_word_videos_are_scored_if_they_have_several_frames():
    frames = case_scores(stored(), KIND)
    assert list(by_level(frames, KIND, Asked(), "pocus")) == ["frame", "video"]
    single = frames[frames["case"].str.endswith("#0")]
    assert list(by_level(single, KIND, Asked(), "pocus")) == ["frame"]
    mixed = case_scores(stored(mixed=True), KIND)
    assert list(by_level(mixed, KIND, Asked(), "pocus")) == ["frame"]
    assert list(by_level(frames.head(0), KIND, Asked(["patient"]), "pocus")) == ["frame"]
    assert chosen_levels(frames, "segmentation", Asked(), "t") == ["frame"]


def test_tables_of_frames_alone_stay_as_they_are():
    frames = case_scores(stored(), KIND)
    alone = each_level({"frame": frames}, lambda cases: trainings(cases, KIND))
    pd.testing.assert_frame_equal(alone, trainings(frames, KIND))
    assert with_level(alone)["level"].unique().tolist() == ["frame"]
    assert with_rule(alone, frames, Asked()) is alone


def test_a_patient_or_video_of_several_classes_stops_the_study_or_is_left_out_and_counted():
    frames = case_scores(stored(mixed=True), KIND)
    named = ["video", "patient"]
    with pytest.raises(UserError, match=r"1 of \d+ videos have frames of several classes.*on_mixed_labels.*leave_out"):
        by_level(frames, KIND, Asked(["video"]), "pocus")
    with pytest.raises(UserError, match="1 of 18 patients have frames of several classes, the first is patient p4"):
        by_level(frames, KIND, Asked(["patient"]), "pocus")
    asked = Asked(named, on_mixed_labels="leave_out")
    levels = by_level(frames, KIND, asked, "pocus")
    assert "patient p4" not in set(levels["patient"]["case"])
    assert levels["patient"]["case"].nunique() == 17
    table = with_rule(each_level(levels, lambda cases: intervals(cases, KIND, **SETTINGS)), frames, asked)
    assert table.groupby("level")["left_out"].unique().map(list).to_dict() == {"video": [1], "patient": [1]}
    assert table["level_rule"].unique().tolist() == ["mean_probability"]


@pytest.mark.parametrize(("unit", "words"), [("image", "name no patient"), ("group", "may hold several patients")])
def test_a_patient_level_needs_patients(unit, words):
    frames = case_scores(stored(), KIND).assign(unit=unit)
    with pytest.raises(UserError, match=rf"tasks\.pocus\.levels names patient, but .*{words}.*remove that level"):
        by_level(frames, KIND, Asked(["frame", "patient"]), "pocus")


def test_a_patient_without_name_counts_as_one_by_its_group():
    frames = case_scores(stored(), KIND)
    unnamed = frames["group"] == "patient p1"
    frames = frames.assign(unit=frames["unit"].mask(unnamed, "series"), patient=frames["patient"].mask(unnamed, ""))
    joined = frames["group"].replace("patient p3", "patient p0")  # the same patient under two names
    cases = at_level(frames.assign(group=joined, label="covid", fold=0), "patient")
    assert cases.groupby("case")["patient"].first()[["patient p0", "patient p1"]].tolist() == ["p0 and p3", ""]
    assert set(cases["video"]) == {""}
    assert list(cases) == list(frames)


def test_without_a_complete_arm_there_are_no_cases_at_any_level():
    assert at_level(pd.DataFrame(columns=["arm", "seed"]), "patient").empty
