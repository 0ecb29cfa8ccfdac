"""All figures of one task in one regime, from the results of its cells."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from uscl.data.picture_box import boxes_of
from uscl.data.store import FrameStore
from uscl.metrics.scores import structure_masks
from uscl.report.figures.classification import (
    calibration_curves,
    confusion_matrices,
    decision_curves,
    precision_recall_curves,
    roc_curves,
)
from uscl.report.figures.curves import learning_curves
from uscl.report.figures.galleries import found_by_one, gallery, missed_by_all
from uscl.report.figures.lesions import overlays_of_arms
from uscl.report.figures.style import save_both


def draw_task(
    kind: str,
    arms: Sequence[str],
    frames: pd.DataFrame,
    main: tuple[str, pd.DataFrame],
    predictions: pd.DataFrame,
    histories: pd.DataFrame,
    store: FrameStore,
    folder: Path,
) -> None:
    """Draw into `folder`: learning curves, galleries of cases, and the figures that the `kind` of the task adds.

    `frames` are the scored frames, which galleries show, `main` is the task's main level and its scored cases. Both,
    `predictions` and `histories` cover all arms and seeds; `histories` has arm and seed, and epoch unless the
    regime is a probe.
    """
    level, cases = main
    title = f"{frames['task'].iloc[0]} ({frames['regime'].iloc[0]})"
    figures = galleries(arms, frames, store)
    if kind == "classification":
        figures["confusion"] = confusion_matrices(cases, arms, level)
        figures["roc"] = roc_curves(cases, arms, level)
        figures["precision_recall"] = precision_recall_curves(cases, arms, level)
        figures["decision"] = decision_curves(cases, arms, level)
        figures["calibration"] = calibration_curves(cases, arms, level)
    else:
        figures["overlays"] = overlays(arms, frames, predictions, store)
    if "epoch" in histories:
        score = "balanced accuracy" if kind == "classification" else "mean Dice"
        figures["learning_curves"] = learning_curves(histories, title, score, arms)
    for name, figure in figures.items():
        save_both(figure, folder / name)


def galleries(arms: Sequence[str], cases: pd.DataFrame, store: FrameStore) -> dict[str, Figure]:
    """The cases that all arms miss, and those that only one arm gets right."""
    row_of_case = store.manifest.set_index("case")["row"]
    count = cases["case"].nunique()
    rule = "mean Dice below 0.5" if "dice" in cases else "wrong in most seeds"
    missed, alone = missed_by_all(cases, arms), found_by_one(cases, arms)
    return {
        "missed_by_all": gallery(missed, store.frames, row_of_case, f"missed by every arm ({rule})", count),
        "found_by_one": gallery(alone, store.frames, row_of_case, f"missed by all arms but one ({rule})", count),
    }


def overlays(arms: Sequence[str], cases: pd.DataFrame, predictions: pd.DataFrame, store: FrameStore) -> Figure:
    """Best, median and worst image of the first seed, with the outlines of all arms."""
    seed = cases["seed"].iloc[0]
    dice = cases[cases["seed"] == seed].pivot(index="case", columns="arm", values="dice")
    of_arm = {
        arm: part.set_index("case").loc[dice.index]
        for arm, part in predictions[predictions["seed"] == seed].groupby("arm", sort=False)
    }
    rows = store.manifest.set_index("case")["row"].loc[dice.index].to_numpy()
    return overlays_of_arms(
        dice.reset_index(),
        {arm: structure_masks(of_arm[arm], "predicted") for arm in arms},
        structure_masks(of_arm[arms[0]], "true"),
        store.frames[rows],
        boxes_of(store.manifest.iloc[rows]),
        int(seed),
    )
