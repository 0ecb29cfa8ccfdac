"""What each kind of job may import: the start of a job costs CPU seconds, and there are many jobs."""

import ast
import json
import subprocess
import sys
from itertools import pairwise

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
    "finetune segmentation": TRAINING | {"segmentation_models_pytorch"},
    "authors_protocol": TRAINING,
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
    "find_points": {"pandas"},
    "extract_frames": {"pandas"},
    "simulate": {"pandas"},
    "fetch_set": set(),
}


# One interpreter imports what the kinds of a chain import, one after the other. No kind may import less than the one
# before it, so what a kind may not import is new in its turn.
CHAINS = {
    "without torch": [
        "fetch_set",
        *(
            "check_study",
            "split",
            "gate",
            "hash_frames",
            "audit_set",
            "find_points",
            "extract_frames",
            "simulate",
            "probe knn",
        ),
        *("probe linear", "score", "table", "draw"),
    ],
    "with torch": [
        *("features", "authors_protocol", "finetune classification", "pretrain meta_uscl", "finetune segmentation")
    ],
}
IN_TURN = """
import json, sys

for name, code in json.load(sys.stdin).items():
    before = set(sys.modules)
    exec(code, {})
    print((name, {module.partition(".")[0] for module in set(sys.modules) - before}))
"""


def imported_in_turn(codes):
    """The top-level packages that each code of {name: code} imports after those before it, in one interpreter."""
    command = [sys.executable, "-c", IN_TURN]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(codes), capture_output=True, text=True, check=True)
    return dict(map(ast.literal_eval, done.stdout.splitlines()))


@pytest.mark.parametrize("chain", CHAINS)
def test_a_job_imports_no_more_than_it_needs(chain):
    codes = {name: statements(*kinds()[name]) for name in CHAINS[chain]}
    found = imported_in_turn(codes)
    assert {name: excess for name in codes if (excess := found[name] & HEAVY - MAY[name])} == {}


def test_every_kind_is_in_a_chain_and_may_import_what_those_before_it_may():
    assert sorted(name for chain in CHAINS.values() for name in chain) == sorted(MAY)
    assert all(MAY[one] <= MAY[other] for chain in CHAINS.values() for one, other in pairwise(chain))


def test_no_script_but_that_of_the_tracker_imports_mlflow():
    named = {name: statements(*job) for name, job in kinds().items() if "tracking" not in name}
    assert [name for name, code in named.items() if "mlflow" in code or "uscl.tracking" in code] == []
