import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"

sys.path.insert(0, str(ROOT))

from uscl.config import UNTRAINED as UNTRAINED_METHODS
from uscl.config import config_fault, repeated_key
from uscl.data.folders import public_folder
from uscl.dependencies import fingerprint, imported_modules, prepare_children
from uscl.seeds import derive

prepare_children(ROOT)

faults = [
    *map(repeated_key, map(Path, [*workflow.configfiles, *workflow.overwrite_configfiles])),
    config_fault(config, SCHEMA),
]
if any(faults):
    raise WorkflowError(next(filter(None, faults)))

R = os.path.normpath(os.path.expanduser(config["results"]))
if not os.access(next(path for path in [Path(R), *Path(R).absolute().parents] if path.exists()), os.W_OK | os.X_OK):
    raise WorkflowError(f"Config: results can't be written to {R}: name another folder.")
SEEDS = config["seeds"]
UNTRAINED = [arm for arm, settings in config["methods"].items() if settings["method"] in UNTRAINED_METHODS]
PRETRAINED = [arm for arm in config["methods"] if arm not in UNTRAINED]
POOL = [config["pool"]] if PRETRAINED else []
DATASETS = sorted({*POOL, *(task["dataset"] for task in config["tasks"].values())})
GPUS = int(config["device"] == "cuda")
DEVICES = config.get("devices", 1)


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
    return public_folder(settings["reader"], os.path.expanduser(settings["data_root"]))


def store(dataset):
    """The files of a frame store, by name."""
    files = {"frames": "frames.npy", "masks": "masks.npy", "manifest": "manifest.csv"}
    return {name: f"{R}/frames/{dataset}/{file}" for name, file in files.items()}


def task_store(w):
    """The frame store of a task's data set."""
    return store(config["tasks"][w.task]["dataset"])


def method_settings(w):
    """What an arm's method is called with."""
    return {key: value for key, value in config["methods"][w.arm].items() if key not in ("method", "init")}


def init_of(arm):
    """What an arm starts from: `random`, `imagenet`, or the path of an encoder file."""
    settings = config["methods"][arm]
    return settings["method"] if settings["method"] in UNTRAINED_METHODS else settings.get("init", "random")


def method_modules(arm):
    """Library files that a job chooses by an arm's settings."""
    init = init_of(arm)
    names = {config["methods"][arm]["method"], *([init] if init in UNTRAINED_METHODS else [])}
    return [f"uscl/pretrain/{name}.py" for name in sorted(names)]


def initial_file(arm):
    """The file that the config names for the weights that an arm starts from: none or one."""
    init = init_of(arm)
    if init not in UNTRAINED_METHODS:
        return [os.path.expanduser(init)]
    named = config.get("imagenet_weights", {}).get(config["encoder"])
    return [os.path.expanduser(named)] if named and init == "imagenet" else []


def initial_weights(w):
    return initial_file(w.arm)


for arm in config["methods"]:
    for file in initial_file(arm):
        # What the study itself makes may come later.
        if not os.path.isfile(file) and not os.path.abspath(file).startswith(os.path.abspath(R) + os.sep):
            raise WorkflowError(
                f"Config: the arm '{arm}' starts from {file}, which doesn't exist: mend `init` or `imagenet_weights`."
            )


def tracked_runs():
    """The MLflow store and what logging leaves behind for every run; nothing where tracking is switched off."""
    if config["tracking"] == "none":
        return []
    encoders = expand("<results>/tracking/encoders/{arm}-seed{seed}.json", arm=config["methods"], seed=SEEDS)
    return ["<results>/mlflow.db", *encoders, *cells("<results>/tracking/cells/{task}-{arm}-seed{seed}.json")]


def preflight():
    """Stop before any job where a folder, the ImageNet weights or the GPU that the coming jobs need is not to be had."""
    coming = list(workflow.dag.needrun_jobs())
    for dataset in {job.wildcards.dataset for job in coming if job.rule.name == "extract_frames"}:
        if not simulated(dataset) and not os.path.isdir(raw_folder(dataset)):
            raise WorkflowError(
                f"Data set '{dataset}': the folder {raw_folder(dataset)} doesn't exist."
                f" Set datasets.{dataset}.data_root to the folder that holds the set."
            )
    gpus = max(
        (GPUS * (DEVICES if job.rule.name == "pretrain" else job.rule.name == "finetune") for job in coming), default=0
    )
    needs = ["--gpus", str(gpus)] if gpus else []
    for job in coming:
        if job.rule.name in ("untrained_encoder", "pretrain") and init_of(job.wildcards.arm) == "imagenet":
            needs += ["--weights", config["encoder"], *initial_file(job.wildcards.arm)]
            break
    if needs:
        check = [sys.executable, ROOT / "workflow/scripts/preflight.py", *needs]
        run = subprocess.run(check, stdout=subprocess.PIPE, text=True)
        if run.returncode:
            raise WorkflowError(run.stdout.strip() or "The checks before the run failed; see above.")
