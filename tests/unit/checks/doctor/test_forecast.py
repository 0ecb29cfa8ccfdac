import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from uscl.base.errors import UserError
from uscl.checks.doctor.forecast import (
    Forecast,
    expected_seconds,
    forecast,
    forecast_findings,
    planned_jobs,
    read_job_stats,
)

ROOT = Path(__file__).parents[4]
# Three jobs of one rule, one of another, and none of a third, by a setting of the config.
SNAKEFILE = """
rule all:
    input:
        expand("part{k}.txt", k=range(config["parts"])),
        "sum.txt",

rule part:
    output:
        "part{k}.txt",
    benchmark:
        "benchmarks/part/{k}.tsv"
    shell:
        "echo > {output}"

rule sum:
    input:
        expand("part{k}.txt", k=range(config["parts"])),
    output:
        "sum.txt",
    benchmark:
        "benchmarks/sum.tsv"
    shell:
        "echo > {output}"
"""


def benchmark(folder, name, *seconds):
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("s\th:m:s\n" + "".join(f"{value}\t0:00:01\n" for value in seconds))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of four jobs in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text(SNAKEFILE)
    Path("study.yaml").write_text(yaml.safe_dump({"parts": 3}))
    return Path("Snakefile")


SNAKEMAKE = [sys.executable, "-m", "snakemake"]
OPTIONS = ["--configfile", "study.yaml"]


@pytest.mark.e2e
def test_jobs_are_those_of_snakemakes_own_plan_of_this_config(study):
    assert planned_jobs(study, OPTIONS) == {"part": 3, "sum": 1}
    Path("part0.txt").touch()
    assert planned_jobs(study, [*OPTIONS, "--config", "parts=7"]) == {"part": 6, "sum": 1}


@pytest.mark.e2e
def test_the_rest_of_a_study_is_forecast_from_its_finished_jobs(study):
    subprocess.run([*SNAKEMAKE, "--cores", "1", *OPTIONS, "--", "part0.txt"], check=True, capture_output=True)
    found = forecast(study, OPTIONS, Path("benchmarks"), {})
    assert found.jobs == {"part": 2, "sum": 1}
    assert found.seconds.keys() == {"part"}
    assert found.unknown == {"sum": 1}
    for name in ("part1.txt", "part2.txt", "sum.txt"):
        Path(name).touch()
    (finding,) = forecast_findings(forecast(study, OPTIONS, Path("benchmarks"), {}), 2)
    assert (finding.mark, finding.text) == ("ok", "every job has run")


def test_a_study_that_cannot_be_planned_is_refused(study):
    with pytest.raises(UserError, match="can't be planned"):
        planned_jobs(study, [])


def test_a_missing_table_of_snakemake_does_not_mean_a_finished_study():
    assert read_job_stats("Nothing to be done (all requested files are present and up to date).\n") == {}
    with pytest.raises(UserError, match="no table of jobs"):
        read_job_stats("This was a dry-run.\n")


def test_the_time_of_a_rule_is_the_median_of_its_jobs(tmp_path):
    benchmark(tmp_path, "finetune/pocus-seed0", 10)
    benchmark(tmp_path, "finetune/pocus-seed1", 30, 12)
    benchmark(tmp_path, "table", 5)
    benchmark(tmp_path, "cut_off/a", "NA")
    (tmp_path / "cut_off/b.tsv").touch()
    assert expected_seconds(tmp_path, {}) == {"finetune": 12, "table": 5}
    assert expected_seconds(tmp_path / "none", {}) == {}


def test_jobs_of_an_arm_that_costs_more_are_expected_to_take_longer(tmp_path):
    benchmark(tmp_path, "pretrain/small-seed0", 10)
    benchmark(tmp_path, "pretrain/small-seed1", 14)
    benchmark(tmp_path, "pretrain/gone-seed0", 999)  # an arm that the study no longer has
    benchmark(tmp_path, "table", 5)
    weights = {"pretrain": {"small": 2.0, "large": 8.0, "huge": 12.0}}
    # 6 seconds per unit of cost, times the mean of the two arms to come.
    assert expected_seconds(tmp_path, weights) == {"pretrain": 60, "table": 5}
    benchmark(tmp_path, "pretrain/large-seed0", 48)
    benchmark(tmp_path, "pretrain/huge-seed0", 72)
    assert expected_seconds(tmp_path, weights)["pretrain"] == pytest.approx(6 * (2 + 8 + 12) / 3)
    assert expected_seconds(tmp_path, {"pretrain": {"other": 1.0}}) == {"table": 5}


def test_known_work_is_summed_and_unknown_work_is_named_without_a_number_of_seconds():
    found = Forecast({"pretrain": 4, "finetune": 18, "table": 1}, {"finetune": 60.0, "table": 5.0, "simulate": 9.0})
    assert found.work_s == 18 * 60 + 5
    text = "\n".join(finding.text for finding in forecast_findings(found, 2))
    assert re.search(r"^finetune +18 +60 s +18 min$", text, re.MULTILINE)
    assert "To come: 18 min of jobs, at least 9 min on 2 cores" in text
    assert "Not yet known, because no job of these rules has run: pretrain (4)." in text
    assert "simulate" not in text


def test_without_a_finished_job_no_time_is_forecast():
    (finding,) = forecast_findings(Forecast({"pretrain": 4}, {}), 2)
    assert finding.mark == "note"
    assert not re.search(r"\d (s|min|h|days)\b", finding.text)


def test_every_rule_keeps_its_benchmark_files_under_its_own_name():
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        rule = None
        for line in path.read_text(encoding="utf-8").splitlines():
            rule = match[1] if (match := re.match(r"rule (\w+):", line)) else rule
            if match := re.search(r"<benchmarks>/(\w+)[/.]", line):
                assert match[1] == rule, f"{path.name}: the benchmark of rule {rule} is kept as that of {match[1]}"
