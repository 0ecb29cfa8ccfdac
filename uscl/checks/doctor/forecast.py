"""How long the rest of a study takes: the jobs of Snakemake's own plan, times the duration of finished jobs by rule.

Where jobs of arms differ, by encoder or method, the duration of an arm's finished jobs is scaled to the arms to come.
"""

import csv
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from uscl.base.errors import UserError
from uscl.base.text import duration
from uscl.checks.doctor.findings import Finding, counted, note, ok

TARGETS = ("all", "total")  # rows of Snakemake's table that are no jobs


class Forecast(NamedTuple):
    """The number of coming jobs by rule, and the seconds per job by rule, if a job of the rule has run."""

    jobs: Mapping[str, int]
    seconds: Mapping[str, float]

    @property
    def unknown(self) -> dict[str, int]:
        """Jobs of rules that have never run."""
        return {rule: count for rule, count in self.jobs.items() if rule not in self.seconds}

    @property
    def work_s(self) -> float:
        """Seconds of all jobs whose rule has run, if they run one after another."""
        return sum(count * self.seconds[rule] for rule, count in self.jobs.items() if rule in self.seconds)


def forecast(
    snakefile: Path, options: Sequence[str], benchmarks: Path, weights: Mapping[str, Mapping[str, float]]
) -> Forecast:
    """The coming jobs of the study that `options` name; for `weights` see `expected_seconds`.

    Raises UserError if it can't be planned.
    """
    return Forecast(planned_jobs(snakefile, options), expected_seconds(benchmarks, weights))


def planned_jobs(snakefile: Path, options: Sequence[str]) -> dict[str, int]:
    """The number of jobs by rule that a dry run of Snakemake plans. Raises UserError if it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--dry-run", "--quiet", "rules"]
    run = subprocess.run([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        call = shlex.join(["snakemake", "--dry-run", *options])
        raise UserError(f"the study can't be planned, see `{call}`: {run.stdout.strip().splitlines()[-1]}")
    return read_job_stats(run.stdout)


def read_job_stats(text: str) -> dict[str, int]:
    """The table `Job stats` of a dry run, without its targets; empty if there is nothing to do."""
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.+?)\n\n", text, re.MULTILINE | re.DOTALL)
    if table is None and "Nothing to be done" not in text:
        raise UserError("`snakemake -n` shows no table of jobs.")
    rows = (line.split() for line in table[1].splitlines()) if table else ()
    return {rule: int(count) for rule, count in rows if rule not in TARGETS}


def expected_seconds(benchmarks: Path, weights: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Seconds of a coming job by rule, from Snakemake's benchmark files, <benchmarks>/<rule>.tsv or <rule>/**.

    That is the median of the rule's finished jobs. `weights` are the relative costs of a job by rule and arm: of such a
    rule, the median per unit of cost is multiplied by the mean cost of the arms that have no finished job, if there are
    any, else of all.
    """
    finished: dict[str, list[tuple[str, float]]] = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule = path.relative_to(benchmarks).with_suffix("").parts[0]
        arm = arm_of(path.stem, weights.get(rule, {}))
        if arm or not weights.get(rule):  # arms that the study no longer has tell nothing about the others
            finished.setdefault(rule, []).extend((arm, seconds) for seconds in benchmark_seconds(path))
    return {rule: of_rule(jobs, weights.get(rule) or {"": 1.0}) for rule, jobs in finished.items() if jobs}


def of_rule(finished: Sequence[tuple[str, float]], costs: Mapping[str, float]) -> float:
    """Seconds of a coming job of a rule, from the arms and seconds of its finished jobs."""
    per_unit = statistics.median(seconds / costs[arm] for arm, seconds in finished)
    done = {arm for arm, _ in finished}
    return per_unit * statistics.mean([cost for arm, cost in costs.items() if arm not in done] or costs.values())


def arm_of(name: str, arms: Iterable[str]) -> str:
    """The arm in the name of a benchmark file, <...>-<arm>-seed<n>; "" if it is none of these.

    >>> arm_of("busi-finetune-labels100-my-arm-seed0", ["arm", "my-arm"])
    'my-arm'
    """
    before = f"-{name.rpartition('-seed')[0]}"
    return max((arm for arm in arms if before.endswith(f"-{arm}")), key=len, default="")


def benchmark_seconds(path: Path) -> list[float]:
    """The column `s` of a benchmark file; an interrupted job leaves an empty file or NA."""
    with path.open(encoding="utf-8", newline="") as file:
        found = (row.get("s") or "" for row in csv.DictReader(file, delimiter="\t"))
        return [float(text) for text in found if re.fullmatch(r"[\d.]+", text)]


def forecast_findings(found: Forecast, cores: int) -> list[Finding]:
    """The forecast as lines of the page: a table of the rules that have run, the sum, and what is not known yet."""
    if not found.jobs:
        return [ok("every job has run")]
    lines = [Finding("", row) for row in known_rows(found)]
    if lines:
        share = (
            f"{duration(found.work_s)} of jobs, at least {duration(found.work_s / cores)} on {counted(cores, 'core')}"
        )
        lines.append(Finding("", f"To come: {share}. From the median time of jobs of this study that ran here."))
    if found.unknown:
        lines.append(note(f"Not yet known, because no job of these rules has run: {listed(found.unknown)}."))
    return lines


def known_rows(found: Forecast) -> list[str]:
    """A table of the rules that have run and have jobs to come, longest first."""
    known = {rule: found.seconds[rule] for rule in found.jobs if rule in found.seconds}
    total = {rule: found.jobs[rule] * seconds for rule, seconds in known.items()}
    rows = [
        f"{rule:20}{found.jobs[rule]:>6}{duration(known[rule]):>10}{duration(total[rule]):>10}"
        for rule in sorted(total, key=lambda rule: -total[rule])
    ]
    return [f"{'rule':20}{'jobs':>6}{'each':>10}{'all':>10}", *rows] if rows else []


def listed(counts: Mapping[str, int]) -> str:
    """Rules with their numbers of jobs."""
    return ", ".join(f"{rule} ({count})" for rule, count in counts.items())
