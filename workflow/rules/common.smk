import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]

sys.path.insert(0, str(ROOT))

from uscl.config import config_fault
from uscl.data.folders import public_folder
from uscl.dependencies import fingerprint, imported_modules, let_children_import

let_children_import(ROOT)

if fault := config_fault(config, ROOT / "workflow/schemas/config.schema.json"):
    raise WorkflowError(fault)

R = config["results"]
SEEDS = config["seeds"]
DATASETS = sorted({config["pool"], *(task["dataset"] for task in config["tasks"].values())})
UNTRAINED = [arm for arm, settings in config["methods"].items() if settings["method"] in ("random", "imagenet")]
PRETRAINED = [arm for arm in config["methods"] if arm not in UNTRAINED]
WEIGHTS = config.get("imagenet_weights", {}).get(config["encoder"])
GPUS = int(config["device"] == "cuda")


pathvars:
    results=R,
    logs=f"{R}/logs",
    benchmarks=f"{R}/benchmarks",


def one_of(names):
    """A wildcard constraint that admits these names alone, none if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    task=one_of(config["tasks"]),
    arm=one_of(config["methods"]),
    seed=r"\d+",


def code(script, *modules):
    """The library files that a script rests on: Snakemake doesn't see imports, so they are inputs."""
    # Relative to the working folder, so that a study may be moved with its results.
    files = imported_modules(ROOT, [f"workflow/scripts/{script}", *modules])
    return [os.path.relpath(ROOT / file) for file in files]


def cells(pattern):
    """A path for every arm x task x seed, arms and tasks in the config's order."""
    return expand(pattern, task=config["tasks"], arm=config["methods"], seed=SEEDS)


def simulated(dataset):
    return "simulate" in config["datasets"][dataset]


def raw_folder(dataset):
    """Where a data set's files lie: simulated ones in the results, others where the config says."""
    if simulated(dataset):
        return f"{R}/raw/{dataset}"
    settings = config["datasets"][dataset]
    return public_folder(settings["reader"], settings["data_root"])


def store(dataset):
    """The files of a frame store, by name."""
    files = {"frames": "frames.npy", "masks": "masks.npy", "manifest": "manifest.csv"}
    return {name: f"{R}/frames/{dataset}/{file}" for name, file in files.items()}


def task_store(w):
    """The frame store of a task's data set."""
    return store(config["tasks"][w.task]["dataset"])


def method_settings(w):
    """What an arm's method is called with."""
    return {key: value for key, value in config["methods"][w.arm].items() if key != "method"}


def tracked_runs():
    """The MLflow store and what logging leaves behind for every run; nothing where tracking is switched off."""
    if config["tracking"] == "none":
        return []
    encoders = expand("<results>/tracking/encoders/{arm}-seed{seed}.json", arm=config["methods"], seed=SEEDS)
    return ["<results>/mlflow.db", *encoders, *cells("<results>/tracking/cells/{task}-{arm}-seed{seed}.json")]


def check_weights():
    """Stop before anything is trained where the ImageNet weights of an arm are not to be had."""
    wanting = [arm for arm in UNTRAINED if config["methods"][arm]["method"] == "imagenet"]
    encoders = [f"{R}/encoders/{arm}/seed{seed}/encoder.safetensors" for arm in wanting for seed in SEEDS]
    if not all(map(os.path.exists, encoders)):
        check = [sys.executable, ROOT / "workflow/scripts/check_weights.py", config["encoder"]]
        run = subprocess.run(check + [WEIGHTS] * bool(WEIGHTS), stdout=subprocess.PIPE, text=True)
        if run.returncode:
            raise WorkflowError(run.stdout.strip() or "The check of the ImageNet weights failed; see above.")
