import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from uscl.base.errors import UserError
from uscl.data.splits import IDENTITY, Fold
from uscl.evaluate import knn, linear
from uscl.evaluate.knn import NEIGHBOURS, TEMPERATURE, nearest_neighbours
from uscl.evaluate.linear import STRENGTHS
from uscl.metrics.temperature import scaled

FITS = {"linear": linear.fit, "knn": knn.fit}
CLASSES = ["covid", "pneumonia", "regular"]


def three_clouds():
    """Three clouds of 120 cases, one of them small."""
    rng = np.random.default_rng(0)
    label = rng.choice(3, 120, p=[0.6, 0.3, 0.1])
    x = rng.normal(size=(120, 6)).astype(np.float32)
    x[np.arange(120), label] += 2
    cases = pd.DataFrame({"row": np.arange(120), "case": [f"c{i}" for i in range(120)], "group": "g"})
    cases = cases.assign(video="v", patient="", unit="series")
    return x, cases.assign(label=np.array(CLASSES)[label]), Fold(np.arange(60), np.arange(60, 90), np.arange(90, 120))


@pytest.fixture
def features():
    return three_clouds()


@functools.cache
def fitted(regime):
    """Predictions and history of a probe on these clouds."""
    return FITS[regime](*three_clouds())


@pytest.mark.parametrize(("regime", "settings"), [("linear", STRENGTHS), ("knn", NEIGHBOURS)])
def test_a_probe_chooses_its_setting_on_the_validation_part(features, regime, settings):
    _, cases, _ = features
    predictions, history = fitted(regime)
    assert list(predictions["case"]) == [f"c{i}" for i in range(90, 120)]
    pd.testing.assert_frame_equal(predictions[IDENTITY], cases[IDENTITY][90:].reset_index(drop=True))
    np.testing.assert_allclose(predictions[[f"p_{name}" for name in CLASSES]].sum(axis=1), 1)
    assert tuple(history["setting"]) == settings
    assert history["chosen"].sum() == 1
    best = history[history["validation_score"] == history["validation_score"].max()]
    assert history.loc[history["chosen"], "validation_loss"].item() == best["validation_loss"].min()
    decided = np.array(CLASSES)[predictions[[f"p_{name}" for name in CLASSES]].to_numpy().argmax(axis=1)]
    assert balanced_accuracy_score(cases["label"][90:], decided) > 0.6


@pytest.mark.parametrize("regime", ["linear", "knn"])
def test_temperature_scaling_takes_the_validation_part_and_changes_no_decision(features, regime):
    x, cases, fold = features
    plain, history = fitted(regime)
    columns = [f"p_{name}" for name in CLASSES]
    scaled_ones, same_history = FITS[regime](x, cases, fold, temperature_scaling=True)
    assert same_history.equals(history)
    temperature = scaled_ones["temperature"].unique().item()
    np.testing.assert_allclose(scaled_ones[columns], scaled(plain[columns].to_numpy(), temperature))
    assert (plain[columns].to_numpy().argmax(1) == scaled_ones[columns].to_numpy().argmax(1)).all()
    other = cases.copy()
    other.loc[90:, "label"] = np.roll(cases.loc[90:, "label"], 7)
    again, _ = FITS[regime](x, other, fold, temperature_scaling=True)
    assert again["temperature"].unique().item() == temperature


@pytest.mark.parametrize("regime", ["linear", "knn"])
def test_test_labels_play_no_part(features, regime):
    x, cases, fold = features
    predictions, history = fitted(regime)
    shuffled = cases.copy()
    shuffled.loc[90:, "label"] = np.roll(cases.loc[90:, "label"], 7)
    again, history_again = FITS[regime](x, shuffled, fold)
    assert history_again.equals(history)
    assert again.drop(columns="label").equals(predictions.drop(columns="label"))


def test_the_linear_probe_is_balanced_logistic_regression(features):
    x, cases, fold = features
    predictions, history = fitted("linear")
    scaler = StandardScaler().fit(x[fold.train])
    strength = history.loc[history["chosen"], "setting"].item()
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=5000, tol=1e-8)
    model.fit(scaler.transform(x[fold.train]), cases["label"][fold.train])
    expected = model.predict_proba(scaler.transform(x[fold.test]))
    np.testing.assert_allclose(predictions[[f"p_{name}" for name in CLASSES]], expected, atol=2e-3)


def test_neighbours_vote_by_similarity_over_the_frequency_of_their_class():
    x = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    (found,) = nearest_neighbours(2, x, np.array([0, 0, 1]), 2).probabilities(np.array([[0, 2]], np.float32))
    votes = np.exp(0.6 / TEMPERATURE) / 2, np.exp(1 / TEMPERATURE)
    np.testing.assert_allclose(found, np.array(votes) / sum(votes), rtol=1e-5)


def test_more_neighbours_than_cases_are_not_tried(features):
    x, cases, _ = features
    _, history = knn.fit(x, cases, Fold(np.arange(12), np.arange(60, 90), np.arange(90, 120)))
    assert history["setting"].tolist() == [1, 5, 10]


def test_a_class_that_is_not_trained_on_has_probability_zero(features):
    x, cases, fold = features
    train = fold.train[cases["label"].to_numpy()[fold.train] != "regular"]
    for regime in ("linear", "knn"):
        predictions, _ = FITS[regime](x, cases, fold._replace(train=train))
        assert (predictions["p_regular"] == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("regime", ["linear", "knn"])
def test_features_that_are_not_usable_numbers_stop_and_name_a_case(features, regime, value):
    x, cases, fold = features
    x[7, 2] = value
    with pytest.raises(UserError, match=r"features of 1 of 120 frames are NaN, infinite or too large, such as .* c7:"):
        FITS[regime](x, cases, fold)


@pytest.mark.parametrize("regime", ["linear", "knn"])
def test_constant_features_give_equal_chances_and_no_nan(features, regime):
    x, cases, fold = features
    predictions, history = FITS[regime](np.ones_like(x), cases, fold)
    assert np.isfinite(predictions[[f"p_{name}" for name in CLASSES]].to_numpy()).all()
    assert history["validation_score"].max() == pytest.approx(1 / 3)
