"""How long the rest of a call takes, from the times of its jobs that ran."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SEEDS = ("seed", "partition")  # jobs that differ only in these take about the same time


class Kind(NamedTuple):
    """Jobs that take about the same time: one rule, and the same wildcards except for seeds."""

    rule: str
    wildcards: tuple[tuple[str, str], ...]

    def wider(self) -> list["Kind"]:
        """Kinds to learn the time from, most alike first: this one, that of any arm, of any task, of the whole rule."""
        tasks = tuple(pair for pair in self.wildcards if pair[0] != "arm")
        arms = tuple(pair for pair in self.wildcards if pair[0] == "arm")
        return list(dict.fromkeys([self, *(Kind(self.rule, some) for some in (tasks, arms, ()))]))


def kind_of(rule: str, wildcards: Mapping[str, object]) -> Kind:
    """The kind of a job.

    >>> kind_of("pretrain", {"arm": "simclr", "seed": "0"})
    Kind(rule='pretrain', wildcards=(('arm', 'simclr'),))
    """
    return Kind(rule, tuple(sorted((name, str(value)) for name, value in wildcards.items() if name not in SEEDS)))


class Remaining:
    """The jobs of a call that wait, run and are done; all times are in seconds on one clock.

    `seconds` are the times by rule in earlier calls, for rules of which no job has ended yet.
    """

    def __init__(self, kinds: Iterable[Kind], seconds: Mapping[str, float], began: float) -> None:
        self._waiting = Counter(kinds)
        self.total, self.done = self._waiting.total(), 0
        self._seconds, self._began = seconds, began
        self._running: dict[int, tuple[Kind, float]] = {}
        self._times: dict[Kind | None, tuple[int, float]] = {}  # number and sum of the times by kind; None: of all jobs

    def started(self, job: int, kind: Kind, now: float) -> None:
        """A job starts."""
        self._waiting[kind] -= 1
        self._running[job] = kind, now

    def ended(self, job: int, now: float, *, well: bool = True) -> None:
        """A job ends; one that fails waits again, in case it is retried."""
        if job not in self._running:
            return
        kind, start = self._running.pop(job)
        if not well:
            self._waiting[kind] += 1
            return
        self.done += 1
        for like in (*kind.wider(), None):
            count, total = self._times.get(like, (0, 0.0))
            self._times[like] = count + 1, total + now - start

    def left(self, now: float) -> float | None:
        """Seconds until the last job ends; None until a job has ended.

        As many jobs run side by side as on average so far.
        """
        if not self.done:
            return None
        running = list(self._running.values())
        rest = [max(self._expected(kind) - (now - start), 0.0) for kind, start in running]
        waiting = sum(count * self._expected(kind) for kind, count in self._waiting.items() if count > 0)
        worked = self._times[None][1] + sum(now - start for _, start in running)
        side_by_side = worked / max(now - self._began, 1e-9)
        return max([(waiting + sum(rest)) / max(side_by_side, 1e-9), *rest])

    def _expected(self, kind: Kind) -> float:
        """The time of a job: the mean of the most similar jobs that ended, else that of earlier calls, else of all."""
        found = next((self._times[like] for like in kind.wider() if like in self._times), None)
        if found is None and kind.rule in self._seconds:
            return self._seconds[kind.rule]
        count, total = found or self._times[None]
        return total / count
