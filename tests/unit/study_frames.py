"""Small made-up inputs of the study's tables, with known values."""

import pandas as pd

ARMS = ["random", "imagenet", "uscl", "meta_uscl"]
NAN = float("nan")


def intervals(rows):
    """Rows of (arm, task, regime, metric, mean); the interval is 0.05 to either side."""
    frame = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean"])
    low, high = frame["mean"] - 0.05, frame["mean"] + 0.05
    return frame.assign(sd=0.02, n=6, ci_low=low, ci_high=high, n_groups=30, n_cases=120, undefined=0)


def comparisons(rows):
    """Rows of (arm, reference, task, regime, metric, difference, p); the interval is 0.02 to either side."""
    columns = ["arm", "reference", "task", "regime", "metric", "difference", "p"]
    frame = pd.DataFrame(rows, columns=columns).astype({"difference": float, "p": float})
    frame = frame.assign(ci_low=frame["difference"] - 0.02, ci_high=frame["difference"] + 0.02)
    accuracy = frame["metric"] == "accuracy"
    only_accuracy = {"p_mcnemar": 0.25, "effect": 0.5}
    frame = frame.assign(**{name: accuracy.map({True: value, False: NAN}) for name, value in only_accuracy.items()})
    return frame.assign(p_resampled_t=0.4, probability_of_improvement=0.75, n_groups=30, n_cases=120)


def study(scores, p):
    """Intervals, and comparisons with imagenet of one p, of scores {(task, regime, metric): means by arm}."""
    means = {(arm, *cell): mean for cell, by_arm in scores.items() for arm, mean in by_arm.items()}
    pairs = [
        (arm, "imagenet", *cell, mean - scores[tuple(cell)]["imagenet"], p)
        for (arm, *cell), mean in means.items()
        if arm != "imagenet"
    ]
    return intervals([(*key, mean) for key, mean in means.items()]), comparisons(pairs)


def none(*columns):
    """A frame without rows."""
    return pd.DataFrame(columns=["arm", "task", "regime", *columns])


def costs(table):
    """Equal costs of every arm x task x regime in the order of a table."""
    frame = table[["arm", "task", "regime"]].drop_duplicates()
    frame = frame.assign(pretraining_s=7200.0, finetuning_s=30.0, peak_memory_mib=512.0)
    frame = frame.assign(pretraining_images=90_000, finetuning_images=1_200, parameters=11_176_512)
    frame.loc[frame["arm"].isin(["random", "imagenet"]), ["pretraining_s", "pretraining_images"]] = 0
    return frame


def provenance(table):
    """The same origin of every arm x task x regime in a table."""
    frame = table[["arm", "task", "regime"]].drop_duplicates()
    hashes = {"commit": "c0ffee", "config_sha256": "k", "data_sha256": "d"}
    return frame.assign(run="r", seeds="0 1", leaks="2 pairs joined", **hashes, cpu="A", gpu="none")
