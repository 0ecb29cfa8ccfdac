"""Scored cases of simulated arms with known truth, for tests and benchmarks of the statistics.

Cases come in groups, as frames come from patients, and a seed is a training. An arm's result on a case is a sum on the
logit scale: the arm's skill; the group's difficulty, which all arms share; an effect of that arm on that group, which
its seeds share; the luck of the training; and noise per seed and group, and per seed and case. Arms of equal skill are
equally good methods, whatever their luck. Without luck they are exchangeable within groups, but not within cases.
"""

import numpy as np
import pandas as pd

DIFFICULTY, SEED_NOISE, CASE_NOISE = 1.0, 0.3, 1.0


def simulated_cases(
    random: np.random.Generator,
    skills: dict[str, float],
    *,
    groups: int,
    cases: int,
    folds: int,
    seeds: int,
    classes: int = 3,
    clustering: float = 1.0,
    luck: float = 0.0,
    per_training: bool = False,
) -> pd.DataFrame:
    """Classified cases as in `cases.parquet`: case, group, label, predicted, correct, p_<class>, arm, seed, fold.

    `skills`: how much higher the true class's logit is, by arm; `cases`: per group; `classes`: at least 2, one class
    per group and all classes in every fold if there are enough groups; `clustering`: sd of the arms' effects on groups,
    0 for arms that differ only from case to case; `luck`: sd of the effects of trainings; `per_training`: folds differ
    between seeds.
    """
    table = clustered(groups, cases, folds, classes)
    truth = table["label"].to_numpy()
    names = [f"class{number}" for number in range(classes)]
    logits = random.normal(size=(len(skills), seeds, len(table), classes))
    own = latent(random, skills, table, seeds, clustering, luck)
    logits[..., np.arange(len(table)), truth] = own
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    label, predicted = np.array(names)[truth], np.array(names)[probabilities.argmax(axis=-1)]
    columns = {"predicted": predicted, "correct": predicted == label}
    columns |= {f"p_{name}": probabilities[..., number] for number, name in enumerate(names)}
    cases_of_all = tidy(table.assign(label=label), list(skills), columns)
    return dealt_again(random, cases_of_all, folds) if per_training else cases_of_all


def simulated_images(
    random: np.random.Generator,
    skills: dict[str, float],
    *,
    images: int,
    folds: int,
    seeds: int,
    clustering: float = 1.0,
    luck: float = 0.0,
    per_training: bool = False,
) -> pd.DataFrame:
    """Scored images as in `cases.parquet` of segmentation, one per group: case, group, label, dice, iou, hd95, ..."""
    table = clustered(images, 1, folds, 1)
    own = latent(random, skills, table, seeds, clustering, luck)
    dice = np.where(own < -2, 0, 1 / (1 + np.exp(-own)))
    columns = {"dice": dice, "iou": dice / (2 - dice), "hd95": 60 * (1 - dice)}
    images_of_all = tidy(table.assign(label="lesion"), list(skills), columns)
    return dealt_again(random, images_of_all, folds) if per_training else images_of_all


def clustered(groups: int, cases: int, folds: int, classes: int) -> pd.DataFrame:
    """One row per case: case, group, unit, label (number of the class), fold. Folds and classes alternate by group."""
    number = np.repeat(np.arange(groups), cases)
    names = [f"g{g:04d}-{c:03d}" for g in range(groups) for c in range(cases)]
    group = [name.split("-")[0] for name in names]
    table = pd.DataFrame({"case": names, "group": group, "unit": "patient", "label": number // folds % classes})
    return table.assign(fold=number % folds)


def latent(
    random: np.random.Generator,
    skills: dict[str, float],
    table: pd.DataFrame,
    seeds: int,
    clustering: float,
    luck: float,
) -> np.ndarray:
    """The result of each arm on each case with each seed, [arms, seeds, n]."""
    number = pd.factorize(table["group"])[0]
    groups, arms = number.max() + 1, len(skills)
    of_groups = DIFFICULTY * random.normal(size=groups) + clustering * random.normal(size=(arms, 1, groups))
    of_seeds = SEED_NOISE * random.normal(size=(arms, seeds, groups))
    of_cases = CASE_NOISE * random.normal(size=(arms, seeds, len(table)))
    skill = np.array(list(skills.values()))[:, None, None]
    if luck:
        skill = skill + luck * random.normal(size=(arms, seeds, 1))
    return skill + (of_groups + of_seeds)[..., number] + of_cases


def tidy(table: pd.DataFrame, arms: list[str], columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Long form: the table once per arm and seed, with columns [arms, seeds, n]."""
    seeds = next(iter(columns.values())).shape[1]
    long = pd.concat([table] * (len(arms) * seeds), ignore_index=True)
    long = long.assign(**{name: values.reshape(-1) for name, values in columns.items()})
    return long.assign(
        arm=np.repeat(arms, seeds * len(table)), seed=np.tile(np.repeat(np.arange(seeds), len(table)), len(arms))
    )


def dealt_again(random: np.random.Generator, cases: pd.DataFrame, folds: int) -> pd.DataFrame:
    """Cases with other folds for every seed, the same in all arms; classes and folds are balanced."""
    groups = cases.drop_duplicates("group")[["group", "label"]]
    partitions = []
    for seed in cases["seed"].unique():
        shuffled = groups.sample(frac=1, random_state=random).sort_values("label", kind="stable")
        partitions.append(shuffled[["group"]].assign(seed=seed, fold=np.arange(len(shuffled)) % folds))
    return cases.drop(columns="fold").merge(pd.concat(partitions), on=["seed", "group"], how="left")
