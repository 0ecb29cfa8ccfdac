"""Slow twins: cases that are resampled or swapped one by one, and scored by scikit-learn."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from uscl.metrics import scores as metrics
from uscl.metrics.registry import names


def random_cases(random, arms=("a", "b"), *, groups=12, folds=2, seeds=2, classes=("x", "y", "z"), partitions=False):
    """Groups of one to four cases with mixed labels; probabilities of one decimal, so that many are equal.

    With `partitions`, every seed has folds of its own.
    """
    tables = []
    size = random.integers(1, 5, size=groups)
    group = np.repeat(np.arange(groups), size)
    cases = pd.DataFrame({"case": [f"c{i:03d}" for i in range(len(group))], "group": [f"g{g:02d}" for g in group]})
    cases["fold"] = group % folds
    cases["unit"] = "patient"
    cases["label"] = random.choice(classes, size=len(group))
    for arm in arms:
        for seed in range(seeds):
            p = random.dirichlet(np.ones(len(classes)), size=len(group)).round(1)
            table = cases.assign(**{f"p_{name}": p[:, i] for i, name in enumerate(classes)}, arm=arm, seed=seed)
            table["fold"] = (group // (1 + seed)) % folds if partitions else cases["fold"]
            tables.append(table.assign(predicted=np.array(classes)[p.argmax(axis=1)]))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(correct=table["predicted"] == table["label"])


def random_images(random, arms=("a", "b"), *, groups=12, folds=2, seeds=2, partitions=False):
    """Images whose Dice has one decimal, so that many are equal or 0."""
    table = random_cases(random, arms, groups=groups, folds=folds, seeds=seeds, partitions=partitions)
    dice = random.random(len(table)).round(1)
    return table.assign(dice=dice, iou=dice / (2 - dice), hd95=random.random(len(table)) * 50, label="lesion")


def random_structures(random, *arguments, **settings):
    """`random_images` with two structures and scores at the size of the source pictures."""
    table = random_images(random, *arguments, **settings)
    images = ["dice", "iou", "hd95", "native_dice", "native_iou", "native_hd95", "mm_hd95", "native_nsd"]
    more = [name for name in images if name not in table] + [
        f"{name}_{end}" for end in ("nerve", "vessel") for name in images
    ]
    return table.assign(**{name: random.random(len(table)) for name in more})


def scores(cases, kind, classes=("x", "y", "z")):
    """All metrics of some cases of one arm and seed, in the order of the tables.

    A metric that has no twin here is scored by its own `of_cell`.
    """
    twins = image_scores(cases) if kind == "segmentation" else class_scores(cases, list(classes))
    return list((metrics.scores(cases, kind) | twins).values())


def image_scores(cases):
    dice = cases["dice"].to_numpy()
    return {
        "dice": dice.mean(),
        "median_dice": np.median(dice),
        "iou": cases["iou"].mean(),
        "hd95": cases["hd95"].mean(),
        "zero_dice_share": (dice == 0).mean(),
    }


def class_scores(cases, classes):
    truth, predicted = cases["label"].to_numpy(str), cases["predicted"].to_numpy(str)
    every = {"labels": classes, "zero_division": 0}
    found = {
        "accuracy": accuracy_score(truth, predicted),
        "balanced_accuracy": balanced(truth, predicted),
        "macro_f1": f1_score(truth, predicted, average="macro", **every),
        "auroc": auroc(cases, truth, classes),
        "ece": calibration_error(cases, classes),
    }
    sensitivity = recall_score(truth, predicted, average=None, labels=classes, zero_division=np.nan)
    precision = precision_score(truth, predicted, average=None, **every)
    f1 = f1_score(truth, predicted, average=None, labels=classes, zero_division=np.nan)
    for i, name in enumerate(classes):
        found[f"sensitivity_{name}"] = sensitivity[i]
        found[f"precision_{name}"] = precision[i]
        found[f"f1_{name}"] = f1[i] if name in {*truth, *predicted} else np.nan
    return found


def balanced(truth, predicted):
    known = np.isin(predicted, truth)  # scikit-learn warns of predicted classes that are not true
    return (
        balanced_accuracy_score(truth, np.where(known, predicted, "none")) if known.all() else recall(truth, predicted)
    )


def recall(truth, predicted):
    return np.mean([np.mean(predicted[truth == name] == name) for name in set(truth)])


def auroc(cases, truth, classes):
    if set(truth) != set(classes):
        return np.nan
    return np.mean([roc_auc_score(truth == name, cases[f"p_{name}"]) for name in classes])


def calibration_error(cases, classes):
    confidence = cases[[f"p_{name}" for name in classes]].max(axis=1).to_numpy()
    correct = (cases["predicted"] == cases["label"]).to_numpy()
    error = 0.0
    for k in range(10):
        inside = (confidence >= k / 10) & ((confidence < (k + 1) / 10) | (k == 9))
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


def training_scores(cases, kind):
    """Each metric of one arm and seed, [metrics]: over the cases of all folds, but for AUROC, the mean over folds."""
    found = np.array(scores(cases, kind), dtype=float)
    if kind == "classification":
        place = names(kind, ["x", "y", "z"]).index("auroc")
        found[place] = pd.Series([scores(part, kind)[place] for _, part in cases.groupby("fold")]).mean()
    return found


def mean_scores(cases, kind):
    """The mean of each metric over the seeds in which it is defined, of one arm: [metrics]."""
    return pd.DataFrame([training_scores(part, kind) for _, part in cases.groupby("seed")]).mean().to_numpy()


def resampled(cases, weights):
    """Every case as often as its group's weight."""
    return cases.loc[cases.index.repeat(cases["group"].map(weights))]


def swapped(cases, arm, reference, groups):
    """The predictions of two arms, swapped in some groups."""
    to = {arm: reference, reference: arm}
    moved = cases["group"].isin(groups)
    return cases.assign(arm=cases["arm"].where(~moved, cases["arm"].map(to)))
