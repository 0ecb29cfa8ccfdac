"""What could make the public study's answer on POCUS wrong: sources, folds, and the choice of a probe's penalty.

    python benchmarks/public_checks.py [--results results/public-study] [--out docs/public-study/checks]

Reads a study by docs/public-study/study.yaml whose cells are finished, and writes, for every arm and training:

- sources.csv: patients, videos and frames of every source and class, without the arms
- source_probe.csv: a negative control. Patients of one class are told apart by their source: AUROC of a linear probe
- without_source.csv: AUROC of the stored predictions, by patient, without the patients of one source, and in one source
- frame_folds.csv: AUROC by frame if frames of one patient may be in training and in test, against folds by patient
- test_choice.csv: AUROC by frame if the test fold chooses the penalty, against the validation part

AUROC is macro-averaged, one class against the rest.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.tables import read_parquet
from uscl.data.splits import Fold, make_splits, read_folds
from uscl.evaluate.linear import STRENGTHS, fit, logistic_regression
from uscl.evaluate.predictions import class_numbers
from uscl.metrics.registry import CLASSIFICATION
from uscl.metrics.scores import case_scores, scores
from uscl.stats.level_names import PATIENT
from uscl.stats.levels import at_level

TASK, DATASET, REGIME = "pocus", "covid19_ultrasound", "linear"
FOLDS, INNER = 5, 4  # as in docs/public-study/study.yaml
FEWEST = 4  # patients of a source within a class that a probe is to recognise
STRENGTH = 0.1  # of that probe, whose few patients leave no validation part

Row = dict[str, Any]


def main() -> None:
    """Write the five tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/public-study"))
    parser.add_argument("--out", type=Path, default=Path("docs/public-study/checks"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    manifest = read_parquet(given.results / f"frames/{DATASET}/manifest.parquet")
    write(given.out / "sources.csv", sources(manifest))
    found: dict[str, list[Row]] = {"source_probe": [], "without_source": [], "frame_folds": [], "test_choice": []}
    for arm, seed, folder in cells(given.results):
        print(f"{arm}, seed {seed}", flush=True)
        named = {"arm": arm, "seed": seed}
        features = np.load(given.results / f"features/{DATASET}/{arm}-seed{seed}.npy")
        cases, folds = read_folds(given.results / f"splits/{TASK}-{FOLDS}x{INNER}-seed{seed}.csv")
        predictions = read_parquet(folder / "predictions.parquet")
        found["source_probe"] += [named | row for row in source_probe(features, manifest, seed)]
        found["without_source"] += [named | row for row in without_source(predictions, manifest)]
        found["frame_folds"].append(named | frame_folds(features, cases, predictions, seed))
        found["test_choice"].append(named | test_choice(features, cases, folds, predictions))
    for name, rows in found.items():
        write(given.out / f"{name}.csv", pd.DataFrame(rows))


def cells(results: Path) -> Iterator[tuple[str, int, Path]]:
    """Arm, seed and folder of every finished cell."""
    for path in sorted(results.glob(f"cells/{TASK}/{REGIME}/labels100/*/seed*/outcome.json")):
        yield path.parent.parent.name, int(path.parent.name.removeprefix("seed")), path.parent


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a table with scores of four decimals."""
    table.to_csv(path, index=False, float_format="%.4f", lineterminator="\n")


def sources(manifest: pd.DataFrame) -> pd.DataFrame:
    """How many patients, videos and frames of every class come from every source."""
    counts = {"patients": ("group", "nunique"), "videos": ("video", "nunique"), "frames": ("case", "size")}
    return manifest.groupby(["source", "label"]).agg(**counts).reset_index()


def source_probe(features: np.ndarray, manifest: pd.DataFrame, seed: int) -> Iterator[Row]:
    """AUROC by patient of telling two sources of the same class apart, patients left out in turn.

    Features that know the source of a healthy lung can tell classes apart that come from different sources.
    """
    for label, cases in manifest.groupby("label"):
        patients = cases.groupby("source")["group"].nunique()
        for pair in combinations(patients.index[patients >= FEWEST], 2):
            two = cases[cases["source"].isin(pair)]
            folds = StratifiedGroupKFold(int(patients[list(pair)].min()), shuffle=True, random_state=seed)
            target = (two["source"] == pair[1]).to_numpy(dtype=np.int64)
            probability = np.zeros(len(two))
            for train, test in folds.split(two, target, two["group"]):
                rows = two["row"].to_numpy()
                model = logistic_regression(STRENGTH, features[rows[train]], target[train], 2)
                probability[test] = model.probabilities(features[rows[test]])[:, 1]
            means = (
                two.assign(target=target, probability=probability).groupby("group")[["target", "probability"]].mean()
            )
            yield {
                "label": label,
                "sources": " and ".join(pair),
                "patients": len(means),
                "auroc": roc_auc_score(means["target"] > 0.5, means["probability"]),
            }


def without_source(predictions: pd.DataFrame, manifest: pd.DataFrame) -> Iterator[Row]:
    """AUROC by patient, with all test patients of a training in one ranking, for several choices of patients.

    All of them, all but those of one source, and only those of a source that has two classes of `FEWEST` or more.
    """
    scored = case_scores(predictions, CLASSIFICATION)
    patients = at_level(scored, PATIENT)
    source = manifest.drop_duplicates("group").set_index("group")["source"][patients["group"]].to_numpy()
    yield {"patients": "all", **auroc_of(patients)}
    for name in sorted(set(source)):
        yield {"patients": f"all but {name}", **auroc_of(patients[source != name])}
        inside = patients[source == name]
        counts = inside["label"].value_counts()
        if (counts >= FEWEST).sum() >= 2:
            yield {"patients": f"only {name}", **auroc_of(inside[inside["label"].isin(counts.index[counts >= FEWEST])])}


def auroc_of(cases: pd.DataFrame) -> Row:
    """Number of cases and macro AUROC over the classes that they have."""
    classes = sorted(cases["label"].unique())
    values = [roc_auc_score(cases["label"] == name, cases[f"p_{name}"]) for name in classes]
    return {"n": len(cases), "classes": len(classes), "auroc": float(np.mean(values))}


def frame_folds(features: np.ndarray, cases: pd.DataFrame, predictions: pd.DataFrame, seed: int) -> Row:
    """AUROC by frame, mean over folds: of folds by patient, as stored, and of folds that divide frames at random."""
    alone = cases.assign(group=cases["case"])
    divided = make_splits(alone, folds=FOLDS, inner=INNER, seed=seed)
    roles = [divided[f"fold{fold}"] for fold in range(FOLDS)]
    rows = divided["row"].to_numpy()
    folds = [Fold(*(rows[(role == part).to_numpy()] for part in ("train", "validation", "test"))) for role in roles]
    by_frame = [fold_auroc(fit(features, alone, fold)[0]) for fold in folds]
    return {"by_patient": stored_auroc(predictions), "by_frame": np.mean(by_frame)}


def stored_auroc(predictions: pd.DataFrame) -> float:
    """Macro AUROC of stored predictions, by frame, mean over folds; the validation part chose their penalty."""
    return float(np.mean([fold_auroc(part) for _, part in predictions.groupby("fold")]))


def fold_auroc(predictions: pd.DataFrame) -> float:
    """Macro AUROC of one fold, by frame."""
    return scores(case_scores(predictions, CLASSIFICATION), CLASSIFICATION)["auroc"]


def test_choice(features: np.ndarray, cases: pd.DataFrame, folds: list[Fold], predictions: pd.DataFrame) -> Row:
    """AUROC by frame, mean over folds, with the penalty that the validation part or the test part itself chooses."""
    classes, target = class_numbers(cases)
    labels = cases.set_index("row")["label"]
    best = []
    for fold in folds:
        y = target.loc[fold.train].to_numpy(np.int64)
        on_test = []
        for strength in STRENGTHS:
            probabilities = logistic_regression(strength, features[fold.train], y, len(classes)).probabilities(
                features[fold.test]
            )
            table = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes])
            on_test.append(auroc_of(table.assign(label=labels.loc[fold.test].to_numpy()))["auroc"])
        best.append(max(on_test))
    return {"by_validation": stored_auroc(predictions), "by_test": np.mean(best)}


if __name__ == "__main__":
    main()
