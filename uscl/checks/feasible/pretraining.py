"""Can every arm be pretrained on this pool? Checked with the methods' own rules before anything is trained."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.checks.feasible.blank import check_blank
from uscl.data.units import counted_units
from uscl.pretrain.method import Method, Trained
from uscl.pretrain.own_method import method_named
from uscl.pretrain.pairs.pairs import bounds
from uscl.pretrain.pairs.pool_parts import NO_TRUTH, Shares, divide_pool, has_truth

FEW_PAIRS = 8  # with fewer, gradients of 32-pixel frames overflow
# SimCLR from random weights on simulated pools (13 trainings, learning rates 0.03 and 0.1): after 50 steps 10 of them
# have covered a tenth of the way from chance to the ideal loss (`uscl.pretrain.engine.learned`), after 100 steps all.
FEW_STEPS = 100

log = logging.getLogger(__name__)

Arms = Mapping[str, Mapping[str, Any]]  # by name: the method and all its settings


class Plan(NamedTuple):
    """How an arm is pretrained with one seed: videos per part, pairs per step of an epoch, and pairs per meta batch."""

    training: int
    validation: int
    meta: int
    steps: list[int]
    meta_batch: int


def check_pool(
    arms: Arms,
    shares: Shares,
    seeds: Iterable[int],
    manifest: pd.DataFrame,
    blank: np.ndarray,
    left_out: frozenset[str] = frozenset(),
    devices: int = 1,
) -> list[str]:
    """What every arm is pretrained on, one line each for readers; `blank` [frames] marks frames that show nothing.

    Raises UserError if an arm can't be pretrained on the pool; warns about settings that run but are probably
    unintended.
    """
    kept = ~manifest["video"].isin(left_out).to_numpy()
    used = manifest[kept]
    check_blank("pool", used, blank[kept])
    lines = [
        f"pool: {counted(used['video'].nunique(), 'video')} (groups: {counted_units(used)}),"
        f" {counted(len(used), 'frame')}; {counted(len(left_out), 'further video')} left out by the audit"
    ]
    for arm, settings in arms.items():
        smallest = min(checked_plan(arm, settings, shares, seed, manifest, left_out) for seed in seeds)
        warn_of_small_batches(arm, smallest, all_settings(settings).batch_size, devices)
        if method_of(settings).trains:
            warn_of_few_steps(arm, smallest, all_settings(settings))
        lines.append(line(arm, smallest))
    check_frames_per_video(used, arms)
    check_labels(used, arms)
    return lines


def method_of(settings: Mapping[str, Any]) -> Method:
    """The method of an arm. Its module is imported by name, so that the checks rest only on the study's methods."""
    return method_named(settings["method"])


def all_settings(settings: Mapping[str, Any]) -> Any:
    """The settings of an arm with the defaults of its method."""
    return method_of(settings).settings(**settings)


def plan(
    settings: Mapping[str, Any], shares: Shares, seed: int, manifest: pd.DataFrame, left_out: frozenset[str]
) -> Plan:
    """How an arm is pretrained. Raises UserError if the pool is too small for it, or lacks what it needs."""
    method, full = method_of(settings), all_settings(settings)
    if method.needs_truth(full) and not has_truth(manifest):
        raise UserError(NO_TRUTH)
    parts = divide_pool(manifest, seed, shares, left_out)
    videos = parts["part"].value_counts()
    clean = int(videos.get("meta", 0))
    used = parts["video"][parts["part"].isin(full.parts)]
    training = labelled_videos(manifest, used) if method.needs_labels else len(used)
    steps = np.diff(bounds(training, full.batch_size, drop=full.drop)).tolist()
    meta_batch = min(clean, full.meta.batch_size) if method.needs_meta_share(full) else 0
    return Plan(training, int(videos["validation"]), clean, steps, meta_batch)


def labelled_videos(manifest: pd.DataFrame, used: pd.Series) -> int:
    """How many of the videos have a label. Raises UserError if they have fewer than two classes."""
    labels = manifest.loc[manifest["video"].isin(used) & (manifest["label"] != "")].drop_duplicates("video")["label"]
    if labels.nunique() < 2:
        raise UserError(
            f"It learns the pool's classes and needs two or more; the videos to train on have {labels.nunique()}."
        )
    return len(labels)


def checked_plan(
    arm: str,
    settings: Mapping[str, Any],
    shares: Shares,
    seed: int,
    manifest: pd.DataFrame,
    left_out: frozenset[str],
) -> Plan:
    """`plan`, with the arm's name in its errors."""
    try:
        return plan(settings, shares, seed, manifest, left_out)
    except UserError as error:
        raise UserError(f"methods.{arm} can't be pretrained. {error}") from error


def warn_of_small_batches(arm: str, found: Plan, size: int, devices: int) -> None:
    """Warn if the training videos are fewer than a batch, or a batch's pairs are few for BatchNorm or the devices."""
    if found.training < size:
        log.warning(
            "methods.%s: the pool leaves %d videos to train on, fewer than `batch_size: %d`: a step takes them all, and"
            " an epoch is one step.",
            arm,
            found.training,
            size,
        )
    if (smallest := min([*found.steps, found.meta_batch or FEW_PAIRS])) < FEW_PAIRS:
        log.warning(
            "methods.%s: a batch has only %d pairs: BatchNorm takes its statistics from so few images that training may"
            " diverge, with small frames above all. Add videos to the pool, or raise the batch sizes or `frame_size`.",
            arm,
            smallest,
        )
    if min(found.steps) < devices:
        log.warning(
            "methods.%s: a batch has %d pairs, fewer than `devices: %d`: the other devices only wait.",
            arm,
            min(found.steps),
            devices,
        )


def warn_of_few_steps(arm: str, found: Plan, settings: Trained) -> None:
    """Warn if the steps are too few to leave chance for sure, or if the learning rate never reaches its value."""
    if sentence := few_steps(arm, settings, len(found.steps)):
        log.warning(sentence)
    if settings.warmup >= settings.epochs:
        log.warning(
            "methods.%s: the warm-up of %d epochs is longer than the training (`epochs: %d`), so the learning rate"
            " stays far below `lr`: lower `warmup_epochs`, or leave it out.",
            arm,
            settings.warmup,
            settings.epochs,
        )


def few_steps(arm: str, settings: Trained, steps_of_epoch: int) -> str | None:
    """What is wrong with an arm of too few steps from random weights, and what to do; None if nothing is.

    Trained weights have left chance before the first step.
    """
    epochs, steps = settings.epochs, settings.epochs * steps_of_epoch
    if settings.init != "random" or steps >= FEW_STEPS:
        return None
    return (
        f"methods.{arm}: {steps} steps in all (`epochs: {epochs}`) may teach it nothing, because SimCLR from random"
        f" weights needs up to {FEW_STEPS} to leave chance: raise `epochs` to {-(-FEW_STEPS // steps_of_epoch)} or"
        " more, or add videos to the pool."
    )


def line(arm: str, found: Plan) -> str:
    """What an arm is pretrained on, for readers."""
    pairs = f"{min(found.steps)} to {max(found.steps)}" if len(set(found.steps)) > 1 else f"{found.steps[0]}"
    steps = f"{len(found.steps)} step{'s' if len(found.steps) > 1 else ''} per epoch of {pairs} pairs"
    meta = f", {found.meta} in the meta set (batches of {found.meta_batch})" if found.meta_batch else ""
    return f"methods.{arm}: {found.training} videos to train on ({steps}), {found.validation} to watch the loss{meta}"


def check_frames_per_video(used: pd.DataFrame, arms: Arms) -> None:
    """Warn if no video has a second frame to interpolate with."""
    interpolating = [arm for arm, settings in arms.items() if interpolates(settings)]
    if interpolating and used["video"].is_unique:
        log.warning(
            "Every video of the pool has a single frame: both views of a pair show that frame, and nothing is"
            " interpolated (%s). Raise `rate_hz` or `max_frames` of the pool, unless it holds still images.",
            ", ".join(interpolating),
        )


def interpolates(settings: Mapping[str, Any]) -> bool:
    """Whether an arm mixes frames of a video."""
    method = method_of(settings)
    return method.pairs is not None and method.pairs(all_settings(settings)) != "frame"


def check_labels(used: pd.DataFrame, arms: Arms) -> None:
    """Warn if a method that sees labels has no classes to distinguish."""
    classes = sorted(set(used["label"]) - {""})
    named = ", ".join(arm for arm, settings in arms.items() if method_of(settings).sees_labels)
    if named and len(classes) < 2:
        what = f"one class only, {classes[0]}" if classes else "no labels"
        log.warning("The pool has %s: %s learns nothing from the labels.", what, named)
