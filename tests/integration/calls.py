"""Calls of Snakemake in copies of the checkout, and what they leave."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.screen import unwrapped

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests/integration/tiny.yaml"
CHECKOUT = ["benchmarks", "config", "profiles", "uscl", "workflow"]
CHECKOUT += ["CITATION.cff", "Snakefile", "environment.yml", "requirements.lock"]


def copy_of_checkout(folder):
    """What the workflow needs of the checkout in a new folder, without results and environment."""
    for name in CHECKOUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def tiny():
    """The settings of the tiny study."""
    return yaml.safe_load(TINY.read_text())


def write_study(path, settings):
    """A study file."""
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path


def start(project, *words, study=TINY, **environment):
    """A call of Snakemake that goes on by itself; what it prints is one text."""
    own = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}  # tests look into stores
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--configfile", str(study), *words],
        cwd=project,
        env=own | {"PYTHONPATH": ""} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def snakemake(project, *words, study=TINY, **environment):
    """What a call of Snakemake prints and how it ends."""
    return end_of(start(project, *words, study=study, **environment))


def end_of(call):
    """What a call prints and how it ends, once it does."""
    printed, _ = call.communicate()
    return subprocess.CompletedProcess(call.args, call.returncode, unwrapped(printed))


def succeeds(project, *words, **more):
    """A call that must end well; what it prints."""
    run = snakemake(project, "--cores", "2", *words, **more)
    assert run.returncode == 0, run.stdout
    return run.stdout


def fails(project, *words, **more):
    """A call that must fail, without a traceback; what it prints."""
    run = snakemake(project, "--cores", "2", *words, **more)
    assert run.returncode == 1, run.stdout
    assert "Traceback" not in run.stdout, run.stdout
    return run.stdout


def planned(project, *words, **more):
    """How often each rule would run now."""
    printed = succeeds(project, "--dry-run", *words, **more)
    if "Nothing to be done" in printed:
        return {}
    lines = printed.rpartition("Job stats:")[2].splitlines()
    counts = (line.split() for line in lines[3:])
    found = {words[0]: int(words[1]) for words in counts if len(words) == 2 and words[1].isdigit()}
    return {rule: count for rule, count in found.items() if rule not in ("all", "total")}


def hashes(results, *folders):
    """SHA-256 of all result files, or of those in some folders; not of records of times and of what MLflow owns."""
    aside = {"logs", "benchmarks", "mlflow.db", "mlartifacts", "tracking", ".call.json"}
    files = {path.relative_to(results): path for path in sorted(results.rglob("*")) if path.is_file()}
    wanted = {name: path for name, path in files.items() if name.parts[0] in (folders or {name.parts[0]} - aside)}
    return {
        str(name): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in wanted.items()
        if not name.match("*.provenance.json")
    }
