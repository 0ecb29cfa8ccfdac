"""What the tables say about tasks whose split is that of the provider of the data."""

from collections.abc import Mapping, Sequence

DRAWN, GIVEN, LEAKY = "drawn", "given", "given, with leaks"

MEANING = """\
The split is that of the data's provider: all trainings are tested on the same parts, and seeds are their only
repetitions. So what is said of other trainings and other patients holds for this split; the luck of another division of
the data is in no interval and in no p."""
LEAKS = """\
The given split has leaks between its parts (audit/audit.html shows them), so scores may be too high."""


def splits_of(tasks: Sequence[str], given: Sequence[str], datasets: Mapping[str, str], leaky: Sequence[str]) -> dict:
    """How each task is divided, if any split is given; `leaky` are the data sets whose given split has leaks.

    >>> splits_of(["a", "b", "c"], ["b", "c"], {"b": "x", "c": "y"}, ["y"])
    {'a': 'drawn', 'b': 'given', 'c': 'given, with leaks'}
    >>> splits_of(["a"], [], {}, [])
    {}
    """
    if not given:
        return {}
    return {task: DRAWN if task not in given else LEAKY if datasets[task] in leaky else GIVEN for task in tasks}


def sentences(split: str) -> str:
    """What a reader must know about a split; nothing about one that is drawn."""
    found = [MEANING] * (split != DRAWN) + [LEAKS] * (split == LEAKY)
    return " ".join(" ".join(found).split())


def lines(splits: Mapping[str, str]) -> str:
    """What a reader of the claims must know, task by task."""
    return "\n".join(f"- {task}: {text}" for task, split in splits.items() if (text := sentences(split)))
