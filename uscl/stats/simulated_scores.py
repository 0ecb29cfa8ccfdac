"""Scores of patients in simulated studies with known truth, thousands of studies at once.

The score of arm i, training t, patient g is a sum, in points:

    skill_i + difficulty_g + (arm x patient)_ig + (training x patient)_itg + (fold model)_itf + luck_it + noise

A training deals the patients of every class into folds, and its fold model f scores those of its fold. All terms but
the skill are normal with mean 0, so arms of equal skill are equally good methods, whatever their luck.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import norm


@dataclass(frozen=True)
class World:
    """What is simulated; all but counts in points. The first arm is the reference."""

    trainings: tuple[int, ...] = (5,) * 6  # of each arm; 1: a deterministic arm, without luck, fold models or noise
    luck: tuple[float, ...] = (1.5,) * 6  # sd of each arm's training
    skill: tuple[float, ...] = (70.0,) * 6
    strata: tuple[int, ...] = (98,)  # patients of each class
    difficulty: float = 30.0
    arm_patient: float = 20.0
    training_patient: float = 10.0
    fold_model: float = 0.0
    folds: int = 5
    common_luck: float = 0.0  # of training t, the same in all arms
    common_training_patient: float = 0.0
    frames: tuple[int, ...] = (1,)  # numbers of frames that a patient may have, equally likely
    frame_noise: float = 0.0
    right_or_wrong: bool = False  # a frame counts 100 if its sum is above 0, else 0

    @property
    def groups(self) -> int:
        """Number of patients."""
        return sum(self.strata)

    def expected(self) -> np.ndarray:
        """The true mean score of every arm, [arms]."""
        if not self.right_or_wrong:
            return np.array(self.skill)
        of_every_arm = [self.difficulty, self.arm_patient, self.training_patient, self.frame_noise]
        of_trainings = [self.common_luck, self.common_training_patient, self.fold_model]
        spreads = [of_every_arm + [*of_trainings, sd] * (r > 1) for r, sd in self.arms()]
        return 100 * norm.cdf(np.array(self.skill) / [np.hypot.reduce(spread) for spread in spreads])

    def arms(self) -> Iterator[tuple[int, float]]:
        """Trainings and luck of every arm."""
        return zip(self.trainings, self.luck, strict=True)


class Shared(NamedTuple):
    """What the arms of a study share: S studies, T trainings, G patients."""

    frames: np.ndarray  # [S, G]
    difficulty: np.ndarray  # [S, 1, G]
    of_trainings: np.ndarray  # [S, T, G]
    fold: np.ndarray  # [S, T, G]


class Scores(NamedTuple):
    """Simulated studies: of every arm [S, trainings, G], frames [S, G], the fold of every patient [S, T, G]."""

    arms: list[np.ndarray]
    frames: np.ndarray
    fold: np.ndarray


def simulated_scores(world: World, random: np.random.Generator, studies: int) -> Scores:
    """Mean scores of the patients' frames; patients are ordered by class."""
    shared = draw_shared(world, random, studies)
    arms = [draw_arm(world, random, shared, number) for number in range(len(world.trainings))]
    return Scores(arms, shared.frames, shared.fold)


def draw_shared(world: World, random: np.random.Generator, studies: int) -> Shared:
    """Patients, partitions and the effects of trainings that all arms share."""
    shape = (studies, max(world.trainings), world.groups)
    of_trainings = normal(random, world.common_luck, (*shape[:2], 1))
    return Shared(
        random.choice(world.frames, size=(studies, world.groups)),
        normal(random, world.difficulty, (studies, 1, world.groups)),
        of_trainings + normal(random, world.common_training_patient, shape),
        partitions(world, random, shape) if world.fold_model else np.zeros(shape, dtype=int),
    )


def partitions(world: World, random: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """A fold for every patient in every training, [S, T, G]; folds and classes are balanced."""
    dealt, first = np.empty(shape, dtype=int), 0
    for size in world.strata:
        numbers = (first + np.arange(size)) % world.folds
        dealt[..., first : first + size] = random.permuted(np.broadcast_to(numbers, (*shape[:2], size)), axis=-1)
        first += size
    return dealt


def draw_arm(world: World, random: np.random.Generator, shared: Shared, arm: int) -> np.ndarray:
    """The scores of one arm, [S, its trainings, G]."""
    r, (studies, groups) = world.trainings[arm], shared.frames.shape
    score = np.full((studies, r, groups), world.skill[arm])
    score += shared.difficulty + normal(random, world.arm_patient, (studies, 1, groups))
    score += normal(random, world.training_patient, score.shape)
    if r > 1:
        score += shared.of_trainings[:, :r] + normal(random, world.luck[arm], (studies, r, 1))
        score += of_folds(world, random, shared.fold[:, :r])
    if world.right_or_wrong:
        return share_right(world, random, score, shared.frames)
    return score + normal(random, world.frame_noise, score.shape) / np.sqrt(shared.frames)[:, None]


def of_folds(world: World, random: np.random.Generator, fold: np.ndarray) -> np.ndarray:
    """The effect of the fold model that scores each patient; fold [S, r, G]."""
    if not world.fold_model:
        return np.zeros(1)
    effects = normal(random, world.fold_model, (*fold.shape[:2], world.folds))
    return np.take_along_axis(effects, fold, axis=-1)


def share_right(world: World, random: np.random.Generator, score: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The share, in %, of every patient's frames whose sum is above 0; score [S, r, G], frames [S, G]."""
    chance = norm.cdf(score / world.frame_noise)
    return 100 * random.binomial(frames[:, None], chance) / frames[:, None]


def normal(random: np.random.Generator, sd: float, shape: tuple[int, ...]) -> np.ndarray:
    """Normal draws; a single 0, without drawing, if the sd is 0."""
    return sd * random.standard_normal(shape) if sd else np.zeros((1,) * len(shape))
