"""Small made-up inputs of the study's tables, with known values."""

import pandas as pd

ARMS = ["random", "imagenet", "uscl", "meta_uscl"]
NAN = float("nan")


def intervals(rows):
    """Rows of (arm, task, regime, metric, mean); the interval is 0.05 to either side, that of these models 0.03."""
    frame = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean"])
    mean = frame["mean"]
    frame = frame.assign(sd=0.02, trainings=5, deterministic=False, ci_low=mean - 0.05, ci_high=mean + 0.05)
    frame = frame.assign(se_trainings=0.01, se_patients=0.02, models_ci_low=mean - 0.03, models_ci_high=mean + 0.03)
    return frame.assign(
        fold_mean=mean, fold_sd=0.04, n=10, undefined=0, groups="30 patients", n_groups=30, n_cases=120, reason=None
    )


def comparisons(rows):
    """Rows of (arm, reference, task, regime, metric, difference, p); the interval is 0.02 to either side.

    Five trainings each and a standard error of 0.01 with 20 degrees of freedom.
    """
    columns = ["arm", "reference", "task", "regime", "metric", "difference", "p"]
    frame = pd.DataFrame(rows, columns=columns).astype({"difference": float, "p": float})
    for prefix in ("", "models_"):
        ends = {"low": frame["difference"] - 0.02, "high": frame["difference"] + 0.02}
        frame = frame.assign(**{f"{prefix}ci_{end}": values for end, values in ends.items()})
    frame = frame.assign(se_trainings=0.006, se_patients=0.008, df=20.0, trainings=5, reference_trainings=5)
    frame = frame.assign(deterministic=None, p_models=0.03, p_permutation=0.2, reason=None)
    accuracy = frame["metric"] == "accuracy"
    only_accuracy = {"p_mcnemar": 0.25, "effect": 0.5}
    frame = frame.assign(**{name: accuracy.map({True: value, False: NAN}) for name, value in only_accuracy.items()})
    return frame.assign(
        p_resampled_t=0.4, probability_of_improvement=0.75, groups="30 patients", n_groups=30, n_cases=120
    )


def study(scores, p):
    """Intervals, and comparisons with imagenet of one p, of scores {(task, regime, metric): means by arm}."""
    means = {(arm, *cell): mean for cell, by_arm in scores.items() for arm, mean in by_arm.items()}
    pairs = [
        (arm, "imagenet", *cell, mean - scores[tuple(cell)]["imagenet"], p)
        for (arm, *cell), mean in means.items()
        if arm != "imagenet"
    ]
    return intervals([(*key, mean) for key, mean in means.items()]), comparisons(pairs)


def primary(comparisons):
    """Every comparison as a primary one."""
    return comparisons[["arm", "reference", "task", "regime", "metric"]].to_dict("records")


def none(*columns):
    """A frame without rows."""
    return pd.DataFrame(columns=["arm", "task", "regime", *columns])


def costs(table):
    """Equal costs of every arm x task x regime in the order of a table."""
    frame = table[["arm", "task", "regime"]].drop_duplicates()
    frame = frame.assign(pretraining_s=7200.0, finetuning_s=30.0, peak_memory_mib=512.0)
    frame = frame.assign(pretraining_cpu_s=7000.0, finetuning_cpu_s=25.0, pretraining_steps=1_500)
    frame = frame.assign(pretraining_images=90_000, finetuning_images=1_200, parameters=11_176_512)
    frame.loc[
        frame["arm"].isin(["random", "imagenet"]), ["pretraining_s", "pretraining_images", "pretraining_steps"]
    ] = 0
    return frame


def provenance(table):
    """The same origin of every arm x task x regime in a table."""
    frame = table[["arm", "task", "regime"]].drop_duplicates()
    hashes = {"commit": "c0ffee", "config_sha256": "k", "data_sha256": "d"}
    return frame.assign(run="r", seeds="0 1", leaks="2 pairs joined", **hashes, cpu="A", gpu="none")
