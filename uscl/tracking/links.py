"""Links into MLflow's pages. Imports nothing heavy.

In the text of a note a link is written as `(experiment:NAME?QUERY)`, since only the store knows an experiment's number.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

PAGE = "workflowType=machine_learning"  # else MLflow opens its page for language models
WHOLE_TABLE = "all-tasks"  # the key of the view of all tasks
LINK = re.compile(r"\(experiment:([^?)]*)\?([^)]*)\)")


def search(experiment: str, **tags: str) -> str:
    """A link, for a note, to the runs of an experiment that have some tags.

    >>> search("pretrain", arm="simclr")
    '(experiment:pretrain?searchFilter=tags.arm%20%3D%20%27simclr%27)'
    """
    condition = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    return f"(experiment:{experiment}?searchFilter={quote(condition, safe='')})"


def resolved(text: str, number: Callable[[str], str]) -> str:
    """A note whose links work in MLflow's pages; `number` gives the number of an experiment.

    >>> resolved("[runs](experiment:busi?searchFilter=x)", {"busi": "3"}.__getitem__)
    '[runs](#/experiments/3/runs?searchFilter=x&workflowType=machine_learning)'
    """
    return LINK.sub(lambda found: f"(#/experiments/{number(found[1])}/runs?{found[2]}&{PAGE})", text)


def of_view(number: str, key: str) -> str:
    """The address of a saved view within MLflow, by the number of its experiment and its key."""
    return f"#/experiments/{number}/runs?viewStateShareKey={key}&{PAGE}"


def key_of(task: str | None = None, regime: str | None = None) -> str:
    """The key of a view of the table: of all tasks, of one task, or of a task in one regime.

    >>> key_of(), key_of("busi"), key_of("busi", "linear")
    ('all-tasks', 'busi', 'busi-linear')
    """
    return "-".join(filter(None, (task, regime))) or WHOLE_TABLE
