"""Levels: frames as cases, or whole videos or patients, whose class probabilities come from those of their frames.

Pure functions of scored frames (`uscl.metrics.scores.case_scores`): stored predictions are scored at any level without
a model. The scored cases of a level have the columns of scored frames, so every metric, interval and test takes them.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.data.units import NOUNS
from uscl.metrics.registry import SEGMENTATION
from uscl.metrics.scores import class_names
from uscl.stats.level_names import FRAME, MEAN, PATIENT, VIDEO, VOTE

STOP, LEAVE_OUT = "stop", "leave_out"
# What the frames of a case share. A patient whose files have several names or none is one by the group.
COLUMN = {FRAME: "case", VIDEO: "video", PATIENT: "group"}
SEVERAL_PATIENTS = ("group", "fold")  # units of groups that may hold more than one patient

log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What the settings of a task say: levels (None: frames, and videos if they have several), rule, mixed labels."""

    levels: Sequence[str] | None = None
    rule: str = MEAN
    on_mixed_labels: str = STOP


def by_level(cases: pd.DataFrame, kind: str, asked: Asked, task: str) -> dict[str, pd.DataFrame]:
    """The scored cases of every level of a task, the level that is named first first; `cases` are scored frames."""
    levels = chosen_levels(cases, kind, asked, task) if len(cases) else [FRAME]
    return {level: at_level(cases, level, asked.rule) for level in levels}


def chosen_levels(cases: pd.DataFrame, kind: str, asked: Asked, task: str) -> list[str]:
    """The levels at which a task is scored; `cases` has one row or more per frame, with label, video, group and unit.

    Raises UserError if the data do not have a level that the settings name.
    """
    if kind == SEGMENTATION:
        return [FRAME]
    if asked.levels is not None:
        if PATIENT in asked.levels:
            check_patients(cases, task)
        for level in asked.levels:
            check_labels(cases, level, asked, task)
        return list(asked.levels)
    frames = cases.drop_duplicates("case")
    if frames["video"].is_unique:
        return [FRAME]
    if mixed := with_several_labels(frames, VIDEO):
        log.info("%s is scored by frames alone: the frames of %d videos have several classes.", task, len(mixed))
        return [FRAME]
    return [FRAME, VIDEO]


def check_patients(cases: pd.DataFrame, task: str) -> None:
    """Raise UserError if the data name no patients, or if a group may hold several."""
    units = set(cases["unit"])
    if unknown := sorted(units & set(SEVERAL_PATIENTS)):
        fault = f"its groups are {NOUNS[unknown[0]][1]}, which may hold several patients"
    elif "patient" not in units:
        fault = "its data name no patient"
    else:
        return
    raise UserError(f"tasks.{task}.levels names patient, but {fault}: remove that level, or name the patients.")


def check_labels(cases: pd.DataFrame, level: str, asked: Asked, task: str) -> None:
    """Raise UserError if frames of one case have different labels and the settings do not leave such cases out."""
    found = with_several_labels(cases, level)
    if found and asked.on_mixed_labels == STOP:
        number = cases[COLUMN[level]].nunique()
        raise UserError(
            f"tasks.{task}.levels names {level}, but {len(found)} of {number} {level}s have frames of several classes,"
            f" the first is {found[0]}: set tasks.{task}.on_mixed_labels to {LEAVE_OUT}, or remove that level."
        )


def with_several_labels(cases: pd.DataFrame, level: str) -> list[str]:
    """The names of the cases of a level whose frames have different labels, in order."""
    labels = cases.groupby(COLUMN[level])["label"].nunique()
    return sorted(labels.index[labels > 1])


def at_level(cases: pd.DataFrame, level: str, rule: str = MEAN) -> pd.DataFrame:
    """The scored cases of a level, from the scored frames of an evaluation; frames are given back as they are.

    The probabilities of a case are the mean over its frames (mean_probability), or the shares of the frames that are
    predicted as each class (majority_vote, in which the mean probability breaks ties). Each frame counts the same, also
    in a patient with several videos. Cases whose frames have different labels are left out.
    """
    if level == FRAME or cases.empty:  # empty if no arm is complete
        return cases
    cases = cases[~cases[COLUMN[level]].isin(with_several_labels(cases, level))]
    classes = class_names(cases)
    probabilities = [f"p_{name}" for name in classes]
    frames = cases.groupby(["arm", "seed", COLUMN[level]], sort=False)
    means = frames[probabilities].mean().to_numpy()
    shares, order = means, means
    if rule == VOTE:
        votes = pd.DataFrame({name: cases["predicted"] == name for name in classes}).groupby(frames.ngroup()).sum()
        shares, order = votes.to_numpy() / frames.size().to_numpy()[:, None], votes.to_numpy() + means / 2
    found = frames.first().reset_index()
    found["case"] = found[COLUMN[level]]
    if level == PATIENT:
        named = frames["patient"].agg(lambda names: " and ".join(sorted(set(names) - {""})))
        found = found.assign(video="", patient=named.to_numpy())
    predicted = np.array(classes, dtype=object)[order.argmax(axis=1)]
    found[probabilities] = shares
    return found.assign(predicted=predicted, correct=predicted == found["label"])[list(cases.columns)]
