"""External tests: all folds' models of a training predict the same cases, and a case counts once."""

import numpy as np
import pandas as pd
import pytest
from rescored import random_cases
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from uscl.base.seeds import generator
from uscl.stats.external import by_level_and_model, counted_once
from uscl.stats.levels import Asked
from uscl.stats.summary import comparisons, intervals
from uscl.stats.trainings import trainings

CLASSES = ["x", "y", "z"]
FRAMES = Asked(["frame"])
SETTINGS = {"draws": 200, "seed": 0}


def one_model():
    """Scored frames of two arms and two seeds, in which one model predicts all cases."""
    return random_cases(generator(0, "external"), groups=20).assign(fold=0, video="")


def with_models(models):
    """The same cases, each predicted by several models; `models` gives the frames of each from those of the first."""
    return pd.concat([change(one_model()).assign(fold=fold) for fold, change in enumerate(models)], ignore_index=True)


def other_model(seed):
    """A model that predicts something else."""

    def change(frames):
        p = generator(seed, "model").dirichlet(np.ones(3), len(frames))
        predicted = np.array(CLASSES)[p.argmax(axis=1)]
        columns = {f"p_{name}": p[:, place] for place, name in enumerate(CLASSES)}
        return frames.assign(**columns, predicted=predicted, correct=predicted == frames["label"])

    return change


def tables(frames):
    cases = by_level_and_model(frames, "classification", FRAMES, "t")["frame"]
    models = frames["fold"].nunique()
    return (
        counted_once(intervals(cases, "classification", **SETTINGS), models),
        counted_once(comparisons(cases, "classification", [("a", "b")], **SETTINGS), models),
    )


def test_the_score_of_a_training_is_that_of_its_single_models():
    frames = with_models([lambda frames: frames, other_model(1), other_model(2)])
    found = trainings(by_level_and_model(frames, "classification", FRAMES, "t")["frame"], "classification")
    found = found.set_index(["arm", "seed", "metric"])["value"]
    for (arm, seed), own in frames.groupby(["arm", "seed"]):
        models = [model for _, model in own.groupby("fold")]
        accuracy = np.mean([accuracy_score(model["label"], model["predicted"]) for model in models])
        auroc = np.mean(
            [[roc_auc_score(model["label"] == name, model[f"p_{name}"]) for name in CLASSES] for model in models]
        )
        pooled = f1_score(own["label"], own["predicted"], labels=CLASSES, average="macro", zero_division=0)
        assert found[arm, seed, "accuracy"] == pytest.approx(accuracy)
        assert found[arm, seed, "auroc"] == pytest.approx(auroc)
        assert found[arm, seed, "macro_f1"] == pytest.approx(pooled)


def test_copies_of_a_model_add_no_certainty():
    once, often = tables(one_model()), tables(with_models([lambda frames: frames] * 4))
    for first, second in zip(once, often, strict=True):
        same = [column for column in first if column not in ("n", "p_resampled_t", "fold_sd")]
        pd.testing.assert_frame_equal(first[same], second[same], check_dtype=False)
    assert once[0]["n_cases"].nunique() == 1
    assert (once[0]["n_cases"] == one_model()["case"].nunique()).all()


def test_tests_that_take_predictions_for_cases_are_left_out():
    _, compared = tables(with_models([lambda frames: frames, other_model(1)]))
    assert compared[["p_mcnemar", "p_resampled_t"]].isna().all(axis=None)
    assert compared.loc[compared["metric"] == "accuracy", ["p", "p_models"]].notna().all(axis=None)


def test_a_video_is_scored_for_each_model_by_itself():
    frames = with_models([lambda frames: frames, other_model(1)])
    videos = frames["label"] + frames["group"]
    cases = by_level_and_model(frames.assign(video=videos), "classification", Asked(["video"]), "t")["video"]
    assert len(cases) == 2 * 2 * 2 * videos.nunique()
    (a, b) = (cases[(cases["arm"] == "a") & (cases["seed"] == 0) & (cases["fold"] == fold)] for fold in (0, 1))
    assert len(a) == len(b) == videos.nunique()
    assert not np.allclose(a["p_x"], b["p_x"])
    own = frames[(frames["arm"] == "a") & (frames["seed"] == 0) & (frames["fold"] == 1)]
    means = own.assign(video=videos).groupby("video")["p_x"].mean()
    assert b.set_index("video")["p_x"].sort_index().to_numpy() == pytest.approx(means.sort_index().to_numpy())


def test_without_a_complete_arm_there_are_no_cases():
    empty = pd.DataFrame(columns=["arm", "fold"])
    assert list(by_level_and_model(empty, "classification", FRAMES, "t")) == ["frame"]
