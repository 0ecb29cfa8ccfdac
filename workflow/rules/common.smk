import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"

sys.path.insert(0, str(ROOT))

from uscl.config import PROBES
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
REFERENCE = config.get("reference", "imagenet" if "imagenet" in config["methods"] else next(iter(config["methods"])))
DRAWS = config.get("draws", 10_000)

# A cell's folder, and the same as one name.
CELL = "{task}/{regime}/labels{labels}/{arm}/seed{seed}"
CELL_NAME = "{task}-{regime}-labels{labels}-{arm}-seed{seed}"


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
    regime="finetune|last_block|linear|knn",
    labels=r"[1-9]\d?|100",
    seed=r"\d+",


def code(script, *modules):
    """The library files that a script rests on: Snakemake doesn't see imports, so they are inputs."""
    # Relative to the working folder, so that a study may be moved with its results.
    files = imported_modules(ROOT, [f"workflow/scripts/{script}", *modules])
    return [os.path.relpath(ROOT / file) for file in files]


def regimes(task):
    """How the encoders are evaluated on a task, the one that figures show first."""
    return config["tasks"][task].get("regimes", ["finetune"])


def cells(pattern, labels=100):
    """A path for every task x regime x arm x seed, all in the config's order."""
    paths = []
    for task in config["tasks"]:
        paths += expand(
            pattern,
            task=task,
            regime=regimes(task),
            arm=config["methods"],
            seed=SEEDS,
            labels=labels,
            allow_missing=True,
        )
    return paths


def evaluations(pattern):
    """A path for every task x regime."""
    return [path for task in config["tasks"] for path in expand(pattern, task=task, regime=regimes(task))]


def main_evaluations(pattern, kinds=("classification", "segmentation")):
    """A path for every task of some kinds, in its first regime."""
    tasks = [task for task, settings in config["tasks"].items() if settings["kind"] in kinds]
    return [path for task in tasks for path in expand(pattern, task=task, regime=regimes(task)[0])]


def arms_of(pattern):
    """A path for every arm x seed of a task in a regime."""
    return expand(pattern, arm=config["methods"], seed=SEEDS, labels=100, allow_missing=True)


def compared_pairs():
    """Pairs [arm, against]: every other arm with the reference, and those that the config names besides."""
    with_reference = [[arm, REFERENCE] for arm in config["methods"] if arm != REFERENCE]
    return with_reference + [pair for pair in config.get("comparisons", []) if pair not in with_reference]


def missing_evaluations():
    """Task, regime and reason of what the tables can't show: regimes that others of the study's tasks have."""
    known = list(dict.fromkeys(regime for task in config["tasks"] for regime in regimes(task)))
    missing = []
    for task, settings in config["tasks"].items():
        for regime in known:
            if regime not in regimes(task):
                probe = settings["kind"] == "segmentation" and regime in PROBES
                reason = "segmentation has no such probe" if probe else f"not among tasks.{task}.regimes"
                missing.append([task, regime, reason])
    return missing


def tracked_label_fractions():
    """What logging leaves behind for the runs with a part of the labels; nothing where tracking is switched off."""
    return [] if config["tracking"] == "none" else label_fraction_cells(f"<results>/tracking/cells/{CELL_NAME}.json")


def label_fraction_cells(pattern):
    """A path for every task that knows the regime of `label_fractions`, percentage, arm and seed."""
    settings = config.get("label_fractions", {"percent": [], "regime": "finetune"})
    tasks = [task for task, known in config["tasks"].items() if known["kind"] == "classification"]
    if settings["regime"] not in PROBES:
        tasks = list(config["tasks"])
    return expand(
        pattern,
        task=tasks,
        regime=settings["regime"],
        labels=settings["percent"],
        arm=config["methods"],
        seed=SEEDS,
    )


def finetune_settings(w):
    """What fine-tuning on a task is called with, beside the regime."""
    task = config["tasks"][w.task]
    if task["kind"] == "segmentation":
        return task["finetune"] | {"decoder": task.get("decoder", "unet")}
    return task["finetune"] | {"authors_protocol": config.get("authors_protocol", False)}


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
    return ["<results>/mlflow.db", *encoders, *cells(f"<results>/tracking/cells/{CELL_NAME}.json")]


def preflight():
    """Stop before any job where a folder, the ImageNet weights or the GPU that the coming jobs need is not to be had."""
    coming = list(workflow.dag.needrun_jobs())
    for dataset in {job.wildcards.dataset for job in coming if job.rule.name == "extract_frames"}:
        if not simulated(dataset) and not os.path.isdir(raw_folder(dataset)):
            raise WorkflowError(
                f"Data set '{dataset}': the folder {raw_folder(dataset)} doesn't exist."
                f" Set datasets.{dataset}.data_root to the folder that holds the set."
            )
    gpus = max((int(job.resources.get("gpu", 0)) for job in coming), default=0)
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
