"""What each kind of job may import: the start of a job costs CPU seconds, and there are many jobs."""

import ast
import subprocess
import sys

import pytest

from benchmarks.imports import ROOT, kinds, statements

HEAVY = {
    *("torch", "torchvision", "timm", "kornia", "segmentation_models_pytorch", "lightning_fabric"),
    *("sklearn", "scipy", "matplotlib", "mlflow", "sqlalchemy", "pandas", "snakemake", "jinja2", "pydicom"),
}
ENCODER = {"torch", "torchvision", "timm", "lightning_fabric"}
TRAINING = ENCODER | {"kornia", "pandas"}
MAY = {
    "finetune classification": TRAINING,
    "pretrain meta_uscl": TRAINING,
    "features": ENCODER | {"pandas"},
    "probe knn": {"pandas"},
    "probe linear": {"pandas", "sklearn", "scipy"},
    "score": {"pandas", "sklearn", "scipy"},
    "table": {"pandas", "sklearn", "scipy"},
    "draw": {"pandas", "sklearn", "scipy", "matplotlib"},
    "check_study": {"pandas"},
    "split": {"pandas"},
    "gate": {"pandas"},
    "hash_frames": {"pandas"},
    "audit_set": {"pandas"},
    "extract_frames": {"pandas"},
    "simulate": {"pandas"},
    "fetch_set": set(),
}


def imported_by(code):
    """The top-level packages that an interpreter has imported at the end of `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(sorted({{n.partition('.')[0] for n in sys.modules}}))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stdout))


@pytest.mark.parametrize("kind", MAY)
def test_a_job_imports_no_more_than_it_needs(kind):
    assert imported_by(statements(*kinds()[kind])) & HEAVY - MAY[kind] == set()


def test_no_script_but_that_of_the_tracker_imports_mlflow():
    named = {name: statements(*job) for name, job in kinds().items() if "tracking" not in name}
    assert [name for name, code in named.items() if "mlflow" in code or "uscl.tracking" in code] == []
