"""The jobs that score few labels over their draws, and operating points: from stored predictions to tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import script_calls

from uscl.base.seeds import generator
from uscl.jobs.outcome import write_done, write_failed
from uscl.stats.label_draws import DRAWS

ARMS, SEEDS, CLASSES = ["a", "b"], [0, 3], ["benign", "malignant"]


def run(script, results, params, given, made):
    job = (results, params, "t", {"seeds": SEEDS, "study": "s"})
    script_calls.run(f"statistics/{script}", *job, input=given, output=made)


def cell(results, labels, arm, seed):
    """A finished cell; each draw of the labels has probabilities of its own."""
    folder, random = results / f"cells/t/knn/labels{labels}/{arm}/seed{seed}", generator(seed, str(labels), arm)
    label = np.tile(CLASSES, 12)
    p = random.random(len(label))
    table = pd.DataFrame({"case": [f"c{n}" for n in range(len(label))], "label": label, "unit": "patient"})
    table = table.assign(video=table["case"], patient=table["case"], group=table["case"], p_benign=p, p_malignant=1 - p)
    table = table.assign(arm=arm, task="t", regime="knn", labels=labels, seed=seed, fold=np.arange(len(label)) // 12)
    folder.mkdir(parents=True)
    table.to_parquet(folder / "predictions.parquet", index=False)
    write_done(folder, "k", ["predictions.parquet"])
    return f"{folder}/outcome.json"


@pytest.fixture(autouse=True)
def as_before():
    with script_calls.process_as_before():
        yield


PARAMS = {"kind": "classification", "arms": ARMS, "seeds": SEEDS, "levels": {}, "native": {}, "draws": 100, "seed": 0}
PARAMS |= {"pairs": [["b", "a"]], "form": "nested"}


def scored(results, labels, draws):
    """The tables of an evaluation with so many draws of its labels, by name."""
    names = [labels, *(f"{labels}draw{number}" for number in range(1, draws))]
    outcomes = [cell(results, name, arm, seed) for name in names for arm in ARMS for seed in SEEDS]
    folder = results / f"statistics/t-knn-labels{labels}/over_draws"
    made = {name: str(folder / f"{name}.csv") for name in ("trainings", "intervals", "comparisons")}
    run("score_draws.py", results, PARAMS | {"label_draws": draws}, {"outcomes": outcomes, "native": []}, made)
    return made, outcomes


def test_all_draws_of_the_labels_are_scored_and_gathered(tmp_path):
    parts = {labels: scored(tmp_path, labels, draws=3)[0] for labels in (10, "5shots")}
    trainings, intervals, comparisons = (pd.read_csv(path) for path in parts[10].values())
    accuracy = trainings[trainings["metric"] == "accuracy"]
    assert sorted(accuracy[["arm", "seed", "draw"]].itertuples(index=False, name=None)) == [
        (arm, seed, draw) for arm in ARMS for seed in SEEDS for draw in range(3)
    ]
    row = intervals.set_index(["arm", "metric"]).loc[("b", "accuracy")]
    assert row["mean"] == pytest.approx(accuracy.loc[accuracy["arm"] == "b", "value"].mean())
    assert (row["trainings"], row["label_draws"]) == (2, 3)
    assert row["draws_ci_low"] < row["mean"] < row["draws_ci_high"]
    assert comparisons["trainings"].unique().tolist() == [2]
    made = {name: str(tmp_path / f"label_fractions.{name}") for name in ("csv", "png", "svg")}
    params = {"evaluations": [["t", "knn", labels] for labels in parts], "kinds": {"t": "classification"}, "arms": ARMS}
    run("label_fractions.py", tmp_path, params, {"intervals": [made["intervals"] for made in parts.values()]}, made)
    table = pd.read_csv(made["csv"])
    assert table["labels"].tolist()[:2] == [10, 10]
    assert table["shots"].tolist()[2:] == [5, 5]
    assert set(DRAWS) < set(table)
    assert Path(made["png"]).is_file()


def test_an_arm_that_failed_in_one_draw_is_left_out(tmp_path):
    made, outcomes = scored(tmp_path, 10, draws=2)
    write_failed(Path(outcomes[-1]).parent, "k", "the loss is NaN")
    run("score_draws.py", tmp_path, PARAMS | {"label_draws": 2}, {"outcomes": outcomes, "native": []}, made)
    intervals, comparisons = (pd.read_csv(made[name]) for name in ("intervals", "comparisons"))
    assert set(intervals["arm"]) == {"a"}
    assert comparisons.empty


def test_operating_points_come_from_the_scored_cases(tmp_path):
    outcomes = [Path(cell(tmp_path, 100, arm, seed)).parent for arm in ARMS for seed in SEEDS]
    cases = pd.concat([pd.read_parquet(folder / "predictions.parquet") for folder in outcomes], ignore_index=True)
    decided = np.where(cases["p_benign"] >= 0.5, *CLASSES)
    cases.assign(predicted=decided, correct=decided == cases["label"]).to_parquet(tmp_path / "cases.parquet")
    made = {"table": str(tmp_path / "operating_points.csv")}
    params = PARAMS | {"points": {"specificity": [0.9]}}
    run("operating_points.py", tmp_path, params, {"cases": str(tmp_path / "cases.parquet")}, made)
    table = pd.read_csv(made["table"])
    assert table[["arm", "class"]].to_numpy().tolist() == [[arm, name] for arm in ARMS for name in CLASSES]
