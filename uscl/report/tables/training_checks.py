"""What readers must know of an arm's trainings: whether they learned anything, and whether a weighting did anything."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uscl.base.tables import read_csv
from uscl.jobs.outcome import runs_of
from uscl.jobs.recorded import checked
from uscl.pretrain.engine.learned import learned
from uscl.pretrain.meta.exercised import exercised


class Checked(NamedTuple):
    """The trainings of an arm: their number, and the faults that were found, one per training with a fault."""

    trainings: int
    not_learned: list[str]
    not_exercised: list[str]


def checked_trainings(outcomes: Sequence[str | Path], arms: Sequence[str], seeds: Sequence[int]) -> dict[str, Checked]:
    """The checks of all trained arms; `outcomes` are those of the encoders by arm and seed, in this order."""
    found: dict[str, Checked] = {}
    for (arm, _), folder in runs_of(outcomes, arms, seeds).done.items():
        if not (folder / "history.csv").is_file():
            continue
        history, pairs = (read_csv(checked(folder / name)) for name in ("history.csv", "pairs.csv"))
        training, weighting = learned(history), exercised(history, pairs)
        before = found.get(arm, Checked(0, [], []))
        found[arm] = Checked(
            before.trainings + (training is not None),
            before.not_learned + ([training.fault] if training and training.fault else []),
            before.not_exercised + ([weighting.fault] if weighting and weighting.fault else []),
        )
    return found


def remarks_of_arms(checked: Mapping[str, Checked]) -> dict[str, list[str]]:
    """What the tables say about each arm."""
    remarks: dict[str, list[str]] = {}
    for arm, of_arm in checked.items():
        for faults, words in ((of_arm.not_learned, "{}"), (of_arm.not_exercised, "weighting was not exercised: {}")):
            if faults:
                remarks.setdefault(arm, []).append(words.format(in_words(faults, of_arm.trainings)))
    return remarks


def remarks_of_files(encoders: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the tables say about each arm whose encoder comes from a file: which of its tensors the file has.

    `encoders` are the records of all encoders (`uscl.jobs.run_record`).
    """
    found: dict[str, list[str]] = {}
    for record in encoders:
        if "matched" in record:
            found[record["tags"]["arm"]] = [record["matched"]]
    return found


def remarks_of_pairs(
    pairs: Iterable[tuple[str, str]], checked: Mapping[str, Checked], methods: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """What the claims say about a comparison; `methods` has the method of each arm.

    An arm whose trainings learned nothing is named. Two arms of one method that weights pairs differ in the weighting,
    and if it was not exercised, the comparison says nothing about it.
    """
    found = {}
    for pair in pairs:
        words = [
            f"{arm} is {in_words(checked[arm].not_learned, checked[arm].trainings)}"
            for arm in pair
            if arm in checked and checked[arm].not_learned
        ]
        if methods[pair[0]] == methods[pair[1]]:
            words += [
                f"weighting was not exercised in {arm}: {in_words(checked[arm].not_exercised, checked[arm].trainings)}"
                for arm in pair
                if arm in checked and checked[arm].not_exercised
            ]
        if words:
            found[pair] = "; ".join(words)
    return found


def in_words(faults: Sequence[str], trainings: int) -> str:
    """In how many trainings there is a fault, and the first one.

    >>> in_words(["at chance"], 1), in_words(["at chance", "at chance"], 3)
    ('at chance', 'in 2 of 3 trainings at chance')
    """
    return faults[0] if trainings == 1 else f"in {len(faults)} of {trainings} trainings {faults[0]}"
