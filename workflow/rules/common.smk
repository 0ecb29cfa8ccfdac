import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"

sys.path.insert(0, str(ROOT))

from uscl.study.config import config_fault, repeated_key
from uscl.study.contradictions import PROBES, layout
from uscl.study.contradictions import UNTRAINED as UNTRAINED_METHODS
from uscl.data.sources.folders import public_folder
from uscl.data.sources.registry import how_to_get, read_registry
from uscl.jobs.code import fingerprint, imported_modules, prepare_children
from uscl.base.errors import UserError
from uscl.base.files import closed
from uscl.jobs.snakemake_internals import (
    before_jobs,
    check_snakemake,
    coming_jobs,
    is_main_process,
    on_unlock,
    study_options,
)
from uscl.base.seeds import derive

try:
    check_snakemake()
except UserError as error:
    raise WorkflowError(str(error))
prepare_children(ROOT)

if {"{", "}"} & set(str(Path.cwd())):
    raise WorkflowError(f"Snakemake can't work in a folder with a brace in its path: rename a part of {Path.cwd()}.")

faults = [
    *map(repeated_key, map(Path, [*workflow.configfiles, *workflow.overwrite_configfiles])),
    config_fault(config, SCHEMA),
]
if any(faults):
    raise WorkflowError(next(filter(None, faults)))
try:
    REGISTRY = read_registry(ROOT / "config/datasets.yaml", ROOT / "workflow/schemas/datasets.schema.json")
except UserError as error:
    raise WorkflowError(str(error))

R = os.path.normpath(os.path.expanduser(config["results"]))
if closed(Path(R)):
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
FRACTIONS = config.get("label_fractions", {"percent": [], "regime": "finetune"})

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


def simulated(dataset):
    return "simulate" in config["datasets"][dataset]


def entry_of(dataset):
    """What the registry says of a data set; nothing of a user's own."""
    return REGISTRY["simulator"] if simulated(dataset) else REGISTRY.get(layout(config["datasets"][dataset]))


def fetched(dataset):
    """Whether a data set is one that can be downloaded."""
    entry = entry_of(dataset)
    return bool(entry and entry["files"])


def raw_folder(dataset):
    """Where a data set's files lie: simulated ones in the results, others where the config says."""
    if simulated(dataset):
        return f"{R}/raw/{dataset}"
    settings = config["datasets"][dataset]
    return public_folder(layout(settings), os.path.expanduser(settings["data_root"]))


def store(dataset):
    """The files of a frame store, by name."""
    files = {"frames": "frames.npy", "masks": "masks.npy", "manifest": "manifest.csv"}
    return {name: f"{R}/frames/{dataset}/{file}" for name, file in files.items()}


def own_data(dataset):
    """How a user's own data is read: nothing for public sets."""
    settings = config["datasets"][dataset]
    return {key: settings.get(key) for key in ("group", "table", "classes")} if "kind" in settings else {}


def expected_counts(dataset):
    """What the registry expects to find of a public set; nothing where that isn't to be checked."""
    entry = None if simulated(dataset) or config["datasets"][dataset].get("partial") else entry_of(dataset)
    return entry["expected"] if entry else None


def policy(dataset):
    """What a leak in a data set does."""
    return config["datasets"][dataset].get("on_leak") or (entry_of(dataset) or {}).get("on_leak", "stop")


def namespace(dataset):
    """Within what a group's name means one patient: a public set's own, all of a user's own data, a simulated set."""
    settings = config["datasets"][dataset]
    if simulated(dataset):
        return f"simulated {dataset}"
    return "own data" if "kind" in settings else settings["reader"]


def tasks_on(dataset):
    """The tasks that a data set serves."""
    return [task for task, settings in config["tasks"].items() if settings["dataset"] == dataset]


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
    return [f"uscl/pretrain/methods/{name}.py" for name in sorted(names)]


def initial_file(arm):
    """The file that the config names for the weights that an arm starts from: none or one."""
    init = init_of(arm)
    if init not in UNTRAINED_METHODS:
        return [os.path.expanduser(init)]
    named = config.get("imagenet_weights", {}).get(config["encoder"])
    return [os.path.expanduser(named)] if named and init == "imagenet" else []


def given_weights(arm):
    """Such a file, unless the study itself makes it and it may come later."""
    own = os.path.abspath(R) + os.sep
    return [file for file in initial_file(arm) if not os.path.abspath(file).startswith(own)]


def initial_weights(w):
    return initial_file(w.arm)
