import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from uscl.jobs.outcome import write_done, write_failed
from uscl.metrics.scores import case_scores, scores
from uscl.report.tables.authors_protocol import COLUMNS, by_authors_protocol, pooled

CLASSES = ["covid", "pneumonia", "regular"]


def predictions(seed, n=60):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.dirichlet(np.ones(3), n), columns=[f"p_{name}" for name in CLASSES])
    label = rng.choice(CLASSES, n, p=[0.6, 0.3, 0.1])
    return frame.assign(case=range(n), group="g", label=label, fold=np.arange(n) % 5, epoch=3)


def test_the_matrices_of_all_folds_are_added():
    given = predictions(0)
    decided = np.array(CLASSES)[given[[f"p_{name}" for name in CLASSES]].to_numpy().argmax(axis=1)]
    matrix = sum(
        confusion_matrix(given["label"][given["fold"] == fold], decided[given["fold"] == fold], labels=CLASSES)
        for fold in range(5)
    )
    expected = {"accuracy": matrix.trace() / matrix.sum()}
    for number, name in enumerate(CLASSES):
        expected[f"precision_{name}"] = matrix[number, number] / matrix[:, number].sum()
        expected[f"sensitivity_{name}"] = matrix[number, number] / matrix[number].sum()
    assert pooled(given) == pytest.approx(expected)
    ours = scores(case_scores(given, "classification"), "classification")
    assert {name: ours[name] for name in expected} == pytest.approx(expected)


def test_a_class_that_is_never_predicted_has_no_precision():
    given = predictions(0).assign(p_covid=0.0)
    found = pooled(given)
    assert np.isnan(found["precision_covid"])
    assert found["sensitivity_covid"] == 0


@pytest.fixture
def outcomes(tmp_path):
    """Outcomes of two tasks, two arms and two seeds; a run of arm b failed on the second task."""
    paths = []
    for number, (task, arm, seed) in enumerate((t, a, s) for t in ("t", "u") for a in ("a", "b") for s in (0, 1)):
        folder = tmp_path / task / arm / f"seed{seed}"
        folder.mkdir(parents=True)
        predictions(number).to_parquet(folder / "predictions.parquet")
        if (task, arm, seed) == ("u", "b", 1):
            write_failed(folder, "k", "NaN")
        else:
            write_done(folder, "k", ["predictions.parquet"])
        paths.append(folder / "outcome.json")
    return paths


def test_seeds_become_a_mean_and_a_range_and_an_incomplete_arm_a_reason(outcomes):
    found = by_authors_protocol(outcomes, ["t", "u"], ["a", "b"], [0, 1])
    assert list(found.columns) == COLUMNS
    accuracy = found[found["metric"] == "accuracy"].set_index(["task", "arm"])
    values = [pooled(predictions(number))["accuracy"] for number in range(8)]
    for place, first in {("t", "a"): 0, ("t", "b"): 2, ("u", "a"): 4}.items():
        two = values[first : first + 2]
        assert accuracy.loc[place, ["value", "lowest", "highest"]].tolist() == pytest.approx(
            [np.mean(two), min(two), max(two)]
        )
        assert accuracy.loc[place, "n_seeds"] == 2
    assert accuracy.loc[("u", "b"), "reason"] == "seed 1: NaN"
    assert pd.isna(accuracy.loc[("u", "b"), "value"])
    assert len(found[(found["task"] == "u") & (found["arm"] == "b")]) == 1


def test_without_tasks_there_are_no_rows():
    found = by_authors_protocol([], [], ["a"], [0])
    assert found.empty
    assert list(found.columns) == COLUMNS
