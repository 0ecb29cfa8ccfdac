"""Simulated studies as tables of scored cases, so that they go through the project's own statistics."""

import numpy as np
import pandas as pd

from uscl.base.seeds import derive, generator
from uscl.stats.false_positives import ALPHA, compared, simulated, to_arms, together
from uscl.stats.holm import holm
from uscl.stats.many_studies import nested, p_value
from uscl.stats.simulated import simulated_cases
from uscl.stats.simulated_scores import Scores, World
from uscl.stats.summary import comparisons

REFERENCE = "arm0"
FEW_DRAWS = 10  # of the tests of these models, which are not looked at


def both_forms(world: World, studies: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """p of the method test in the same studies, [S, comparisons]: by the project's statistics, and vectorised."""
    tables, vectorised = [], []
    for scores in simulated(world, studies, seed):
        vectorised.append(together(p_value(found) for found in compared(nested, to_arms(scores, world), world)))
        tables += [shipped(world_table(world, scores, study)) for study in range(len(scores.frames))]
    return np.stack(tables), np.concatenate(vectorised)


def shipped(table: pd.DataFrame) -> np.ndarray:
    """p of the method test for every other arm against the first, [comparisons], in accuracy or mean Dice."""
    kind, metric = ("classification", "accuracy") if "correct" in table else ("segmentation", "dice")
    pairs = [(arm, REFERENCE) for arm in table["arm"].unique() if arm != REFERENCE]
    found = comparisons(table, kind, pairs, draws=FEW_DRAWS, seed=0)
    return found.loc[found["metric"] == metric, "p"].to_numpy()


def world_table(world: World, scores: Scores, study: int) -> pd.DataFrame:
    """One study as in `cases.parquet`: frames that are right or wrong, or images with a Dice and one image per patient.

    A deterministic arm has the same predictions in every training. Worlds whose frames are right or wrong need two
    strata, which are the classes.
    """
    trainings, frames = max(world.trainings), scores.frames[study]
    label = np.repeat([f"class{stratum}" for stratum in range(len(world.strata))], world.strata)
    patient = np.repeat(np.arange(world.groups), frames)
    cases = pd.DataFrame({"group": [f"patient {number:04d}" for number in patient], "label": label[patient]})
    cases["unit"] = "patient"
    cases["case"] = [f"{group}, {number}" for number, group in enumerate(cases["group"])]
    rows = []
    for number, arm in enumerate(scores.arms):
        for training in range(trainings):
            score = arm[study, training if len(arm[study]) > 1 else 0]
            named = {"arm": f"arm{number}", "seed": training, "fold": scores.fold[study, training][patient]}
            columns = frames_of(score, frames, cases["label"]) if world.right_or_wrong else images_of(score)
            rows.append(cases.assign(**named, **columns))
    return pd.concat(rows, ignore_index=True)


def images_of(score: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of images with these scores [G]."""
    return {"dice": score / 100, "iou": score / 100, "hd95": 100 - score}


def frames_of(score: np.ndarray, frames: np.ndarray, label: pd.Series) -> dict[str, object]:
    """The columns of frames, of which as many of each patient are right as its score [G] says; label [n]."""
    right = np.rint(score * frames / 100).astype(int)
    correct = np.concatenate([np.arange(count) < of_patient for count, of_patient in zip(frames, right, strict=True)])
    names = sorted(label.unique())
    other = label.map(dict(zip(names, names[1:] + names[:1], strict=True)))
    predicted = label.where(correct, other)
    return {"predicted": predicted, "correct": correct} | {
        f"p_{name}": 0.1 + 0.7 * (predicted == name) for name in names
    }


def null_rejections(
    repetitions: int,
    seed: int,
    *,
    arms: int = 6,
    groups: int = 40,
    cases: int = 10,
    folds: int = 5,
    seeds: int = 5,
    draws: int = 200,
    clustering: float = 1.0,
    luck: float = 0.1,
) -> pd.DataFrame:
    """Which tests reject at 5 % in simulated benchmarks of equal arms: a row per repetition, a boolean column per test.

    `cases`: per group; `clustering` and `luck` as in `simulated_cases`. Tests named "study" ask whether any comparison
    of the other `arms` - 1 arms with the first is significant. The other tests consider only the first of these
    comparisons.
    """
    skills = {f"arm{number}": 1.0 for number in range(arms)}
    rows = []
    for repetition in range(repetitions):
        table = simulated_cases(
            generator(seed, "null", repetition),
            skills,
            groups=groups,
            cases=cases,
            folds=folds,
            seeds=seeds,
            clustering=clustering,
            luck=luck,
            per_training=True,
        )
        rows.append(rejected(table, draws, derive(seed, "null", repetition)))
    return pd.DataFrame(rows)


def rejected(cases: pd.DataFrame, draws: int, seed: int) -> dict[str, bool]:
    """Whether each test rejects in one benchmark."""
    arms = [arm for arm in cases["arm"].unique() if arm != REFERENCE]
    found = comparisons(cases, "classification", [(arm, REFERENCE) for arm in arms], draws=draws, seed=seed)
    accuracy, macro_f1, auroc = (found[found["metric"] == name] for name in ("accuracy", "macro_f1", "auroc"))
    first = accuracy.iloc[0]
    return {
        "method test, accuracy": first["p"] < ALPHA,
        "method test, macro-F1": macro_f1["p"].iloc[0] < ALPHA,
        "method test, AUROC": auroc["p"].iloc[0] < ALPHA,
        "these models, accuracy": first["p_models"] < ALPHA,
        "these models, macro-F1": macro_f1["p_models"].iloc[0] < ALPHA,
        "corrected resampled t, accuracy": first["p_resampled_t"] < ALPHA,
        "McNemar, accuracy": first["p_mcnemar"] < ALPHA,
        "study: method test, macro-F1, Holm": holm(macro_f1["p"]).min() < ALPHA,
        "study: these models, macro-F1, Holm": holm(macro_f1["p_models"]).min() < ALPHA,
        "study: McNemar, accuracy, Holm": holm(accuracy["p_mcnemar"]).min() < ALPHA,
    }
