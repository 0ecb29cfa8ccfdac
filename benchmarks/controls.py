"""What can weighting win in a simulated world, and does the weight net win any of it?

    python benchmarks/controls.py FOLDER [FOLDER ...] --out docs/controls.md

Each FOLDER holds the results of config/controls.yaml in one pool; the pools differ in the share of the videos that
change from one class to another. `make controls` runs the study in three pools and then this.
"""

import argparse
import sys
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.audit.policy import read_left_out
from uscl.base.files import write_text
from uscl.base.text import counted
from uscl.data.manifest import read_manifest
from uscl.metrics.registry import CLASSIFICATION, primary, title
from uscl.pretrain.engine.learned import learned
from uscl.pretrain.meta.exercised import exercised
from uscl.report.figures.pair_weights import inconsistent
from uscl.report.tables.claims import SIMULATED
from uscl.report.tables.writing import grid, limits, p_value, points, shown
from uscl.stats.level_names import FRAME
from uscl.stats.level_tables import with_level

METRIC = primary(CLASSIFICATION)
ROUNDING = 1e-4  # of a weight
TRUTH = ("oracle", "oracle_shuffled")  # what weights by the truth add
SHOWN = [
    ("constant", "untrained"),
    TRUTH,
    ("anti_oracle", "oracle_shuffled"),
    ("temporal", "constant"),
    ("meta_uscl", "constant"),
    ("meta_uscl_fast", "constant"),
    ("meta_uscl_fast", "shuffled"),
]
INTRODUCTION = f"""\
`make controls` wrote this page. It runs the study of config/controls.yaml in pools that differ in one thing: the share
of the videos in which the probe slides from one class of an organ to another, such as from a regular to a diseased part
of a lung. A pair of frames from both sides of such a change is inconsistent. All arms have the same videos, pairs and
steps, and differ in the weights of the pairs alone. `oracle` has weights by the truth, `oracle_shuffled` the same in
random order, `anti_oracle` the opposite; `meta_uscl` has a weight net with the published learning rate, and
`meta_uscl_fast` one that learns faster; `shuffled` has the weights of such a net in random order. Scores are
{title(METRIC)} of a linear probe on frozen features, in percent, with intervals and p of the method test. A comparison
with a verdict is primary, and the verdict rests on its p after Holm's correction; the other p are not corrected."""
WEIGHTS = """\
Means over trainings. ESS / N: the effective share of the pairs, 1 if all weights are equal. Inconsistent: the mean
weight of inconsistent pairs, divided by that of the others (of shuffled weights, before the shuffle). Start: the
correlation of the weights with those of the net's random start. Exercised: in how many trainings a weight net did
anything. Learned: in how many trainings the encoder learned to tell videos apart."""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="results of the study, one folder per pool")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    parts = ["# Controls: what can weighting win, and does the weight net win any of it?", SIMULATED, INTRODUCTION]
    parts += [part for folder in given.folders for part in of_pool(folder)]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(given.out, "\n\n".join(part if "|" in part else fill(part, 120) for part in parts) + "\n")


def of_pool(folder: Path) -> list[str]:
    """What the results in one pool show."""
    claims, table = (by_frame(pd.read_csv(folder / name)) for name in ("claims.csv", "table.csv"))
    manifest = read_manifest(folder / "frames/pool/manifest.parquet")
    changing = manifest.groupby("video")["second_state"].max().gt(0)
    left_out = len(read_left_out(folder / "audit/pool_left_out.csv"))
    head = f"{100 * changing.mean():.0f} % of {len(changing)} videos change"
    pairs = pd.concat(pd.read_csv(path) for path in sorted(folder.glob("encoders/constant/seed*/pairs.csv")))
    facts = (
        f"{100 * np.mean(inconsistent(pairs, manifest)):.0f} % of the pairs are inconsistent. The audit left out"
        f" {counted(left_out, 'video')} that look like another in the pool or a task."
    )
    weights = trainings_of(folder, list(table["arm"].unique()), manifest)
    twins = alike([arm for arm, found in weights.items() if found["equal"].all()], table)
    return [f"## {head}", conclusion(claims), facts, *twins, compared(claims, table), WEIGHTS, weighted(weights)]


def by_frame(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table about frames, without those about whole videos."""
    levels = with_level(table)["level"]
    return table[levels == FRAME]


def alike(arms: list[str], table: pd.DataFrame) -> list[str]:
    """A sentence about the differences of arms whose weights are all equal; none if there are not two such arms."""
    if len(arms) < 2:
        return []
    means = table[(table["metric"] == METRIC) & table["arm"].isin(arms)].groupby("task", sort=False)["mean"]
    ranges = [f"{points(found.max() - found.min())} points on {task}" for task, found in means]
    return [
        f"In this pool the weights of {', '.join(f'`{arm}`' for arm in arms[:-1])} and `{arms[-1]}` are all equal, so"
        " these arms are one training but for rounding. Training amplifies rounding from step to step until the arms"
        f" differ as if their random numbers did: by {' and '.join(ranges)}, in their means over trainings."
    ]


def conclusion(claims: pd.DataFrame) -> str:
    """What the verdicts on the primary comparisons say about weighting in this pool."""
    of_pairs = claims[claims["primary"]].groupby(["arm", "reference"], sort=False)
    verdicts = {pair: rows.set_index("task")["verdict"].to_dict() for pair, rows in of_pairs}
    sentences = [verdict_on(*TRUTH, verdicts.pop(TRUTH))]
    if not sentences[0].startswith("`oracle` is better"):
        return f"{sentences[0]} So this pool can't show what weighting is worth."
    return " ".join(sentences + [verdict_on(*pair, found) for pair, found in verdicts.items()])


def verdict_on(arm: str, reference: str, verdicts: dict[str, str]) -> str:
    """One sentence about two arms, from the verdict on each task.

    >>> verdict_on("oracle", "constant", {"pocus": "better", "busi": "not shown"})
    '`oracle` is better than `constant` on pocus.'
    >>> verdict_on("oracle", "constant", {"pocus": "not shown"})
    '`oracle` is not shown to differ from `constant`.'
    """
    found = [
        f"{word} than `{reference}` on {' and '.join(tasks)}"
        for word in ("better", "worse")
        if (tasks := [task for task, verdict in verdicts.items() if verdict.startswith(word)])
    ]
    return f"`{arm}` is {', and '.join(found) or f'not shown to differ from `{reference}`'}."


def compared(claims: pd.DataFrame, table: pd.DataFrame) -> str:
    """One row per task and comparison of `SHOWN`."""
    scores = table[table["metric"] == METRIC].set_index(["task", "arm"])["mean"]
    found = claims[claims["metric"] == METRIC].set_index(["task", "arm", "reference"])
    rows = []
    for task in claims["task"].unique():
        for arm, reference in SHOWN:
            if (task, arm, reference) not in found.index:
                continue  # a run failed
            row = found.loc[(task, arm, reference)]
            interval = limits(row["ci_low"], row["ci_high"], METRIC)
            verdict = row["verdict"] if row["primary"] else ""
            means = [shown(scores[task, name], METRIC) for name in (arm, reference)]
            difference = points(row["difference"], "+")
            rows.append([task, f"{arm} - {reference}", *means, difference, interval, p_value(row["p"]), verdict])
    return grid(["task", "comparison", "first", "second", "difference", "95 % CI", "p", "verdict"], rows)


def trainings_of(folder: Path, arms: list[str], manifest: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By arm that weighs pairs, one row per training: what its weights were."""
    found = {}
    for arm in arms:
        histories = sorted(folder.glob(f"encoders/{arm}/seed*/history.csv"))
        tables = [(pd.read_csv(path), pd.read_csv(path.with_name("pairs.csv"))) for path in histories]
        if rows := [weights for history, pairs in tables if (weights := weights_of(history, pairs, manifest))]:
            found[arm] = pd.DataFrame(rows)
    return found


def weighted(trainings: dict[str, pd.DataFrame]) -> str:
    """One row per arm of `trainings_of`."""
    rows = []
    for arm, found in trainings.items():
        means = [mean(found[name]) for name in ("ess", "inconsistent", "start")]
        rows.append([arm, *means, *(counts(found[name]) for name in ("exercised", "learned"))])
    return grid(["arm", "ESS / N", "inconsistent", "start", "exercised", "learned"], rows)


def weights_of(history: pd.DataFrame, pairs: pd.DataFrame, manifest: pd.DataFrame) -> dict[str, float | bool | None]:
    """What the weights of one training were; nothing of one that weighs no pairs."""
    if "weight_ess" not in history:
        return {}
    net, weights, change = exercised(history, pairs), pairs["weight"], inconsistent(pairs, manifest)
    return {
        "equal": weights.max() <= weights.min() * (1 + ROUNDING),
        "ess": (history["weight_ess"] / history["pairs"]).median(),
        "inconsistent": weights[change].mean() / weights[~change].mean() if np.any(change) else np.nan,
        "start": net.correlation if net else None,
        "exercised": net.exercised if net else None,
        "learned": learned(history).fault is None,
    }


def mean(values: pd.Series) -> str:
    """The mean over trainings; nothing if there is none.

    >>> mean(pd.Series([0.25, 0.5])), mean(pd.Series([None, None]))
    ('0.38', '')
    """
    found = values.astype(float).mean()
    return "" if np.isnan(found) else f"{found:.2f}"


def counts(holds: pd.Series) -> str:
    """In how many trainings something holds; nothing if the question is none.

    >>> counts(pd.Series([True, False, True])), counts(pd.Series([None, None]))
    ('2 of 3', '')
    """
    return "" if holds.isna().all() else f"{int(holds.sum())} of {len(holds)}"


if __name__ == "__main__":
    main()
