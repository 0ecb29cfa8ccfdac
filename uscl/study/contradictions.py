"""What a schema can't see in a study's config: names that nothing defines, settings that contradict each other.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import re
from typing import Any

from uscl.base.redaction import has_credentials

# The reader of the folder layout in which each kind of set is simulated.
SIMULATED_LAYOUT = {"pool": "simulated_pool", "lung": "covid19_ultrasound", "breast": "busi"}
SHORTEST_POOL_VIDEO = 8  # frames; a shorter one has no room for what the simulator plants
UNTRAINED = ("random", "imagenet")
PROBES = ("linear", "knn")  # regimes on frozen features
WITH_MASKS = ("busi", "udiat_b", "image_mask_pairs")  # the readers and kinds that have something to segment
STORES = ("https://", "http://", "sqlite:///")
LARGEST = 1e30
MIRRORS = ("https://", "http://", "file://")


def contradiction(config: dict[str, Any]) -> str | None:
    """One sentence on settings that name what isn't there or don't go together, or None.

    `config` is sound by its schema.
    """
    named = {"pool": config["pool"]} | {
        f"tasks.{name}.dataset": task["dataset"] for name, task in config["tasks"].items()
    }
    for key, dataset in named.items():
        if dataset not in config["datasets"]:
            return f"Config: {key} names '{dataset}', but `datasets` has only {', '.join(config['datasets'])}."
    return (
        name_fault(config)
        or number_fault(config)
        or tracking_fault(config)
        or dataset_fault(config)
        or method_fault(config)
        or evaluation_fault(config)
        or comparison_fault(config)
        or pool_fault(config)
        or simulator_fault(config)
    )


def layout(dataset: dict[str, Any]) -> str:
    """The reader of a data set: a public set's, or that of a kind of own data."""
    name: str = dataset.get("reader") or dataset["kind"]
    return name


def name_fault(config: dict[str, Any]) -> str | None:
    """Two names that differ in case alone: they would be one folder on disks of macOS and Windows."""
    for key in ("datasets", "tasks", "methods"):
        seen: dict[str, str] = {}
        for name in config[key]:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                return f"Config: {key}: '{other}' and '{name}' differ in case alone, and many disks don't: rename one."
    return None


def number_fault(config: dict[str, Any]) -> str | None:
    """A number beyond what training can compute with."""

    def search(settings: Any, where: str) -> str | None:
        if isinstance(settings, dict):
            faults = (search(value, f"{where}.{key}") for key, value in settings.items())
            return next(filter(None, faults), None)
        if isinstance(settings, int | float) and settings > LARGEST:
            return f"Config: {where} is more than training can compute with in 32 bits: take {LARGEST:.0e} at most."
        return None

    return search(config["methods"], "methods") or search(config["tasks"], "tasks")


def tracking_fault(config: dict[str, Any]) -> str | None:
    """An address of the MLflow store that can't be one, or that holds credentials; it isn't repeated."""
    address = config.get("tracking_uri", "")
    if has_credentials(address):
        return (
            "Config: tracking_uri holds a user, password or token, which would end up in records: put them into the"
            " environment as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
        )
    if address and not address.startswith(STORES):
        return f"Config: tracking_uri must begin with {', '.join(STORES[:-1])} or {STORES[-1]}."
    return None


def dataset_fault(config: dict[str, Any]) -> str | None:
    """A data set that can't be read as its settings say, or that has nothing for its task."""
    if "data_mirror" in config and not config["data_mirror"].startswith(MIRRORS):
        return f"Config: data_mirror must begin with {' or '.join(MIRRORS)}, not '{config['data_mirror']}'."
    for name, dataset in config["datasets"].items():
        try:
            re.compile(dataset.get("group", ""))
        except re.error as error:
            return f"Config: datasets.{name}.group is no regular expression: {error}."
    for name, task in config["tasks"].items():
        dataset = config["datasets"][task["dataset"]]
        if task["kind"] == "segmentation" and "simulate" not in dataset and layout(dataset) not in WITH_MASKS:
            return (
                f"Config: tasks.{name}.kind is segmentation, but datasets.{task['dataset']} is {layout(dataset)},"
                f" which has no masks: take one of {', '.join(WITH_MASKS)}."
            )
    return None


def method_fault(config: dict[str, Any]) -> str | None:
    """Settings of an arm that contradict each other."""
    for name, arm in config["methods"].items():
        shares = arm.get("validation_share", 0.0), arm.get("meta", {}).get("share", 0.0)
        if sum(shares) >= 1:
            return (
                f"Config: methods.{name}: validation_share {shares[0]} and meta.share {shares[1]} leave no video to"
                " train on: lower one of them."
            )
        if arm.get("weights") == "shuffled" and arm.get("meta", {}).get("update") == "lookahead":
            return (
                f"Config: methods.{name}: `weights: shuffled` needs the published order of updates, and"
                " `meta.update` is lookahead: change one of them."
            )
    return None


def evaluation_fault(config: dict[str, Any]) -> str | None:
    """A task whose settings don't go with its kind."""
    for name, task in config["tasks"].items():
        probes = [regime for regime in task.get("regimes", []) if regime in PROBES]
        if task["kind"] == "segmentation" and probes:
            return f"Config: tasks.{name}.regimes: {probes[0]} is for classification; take finetune or last_block."
        if task["kind"] == "classification" and "decoder" in task:
            return f"Config: tasks.{name}.decoder is for segmentation, and the task's kind is classification."
    regime = config.get("label_fractions", {}).get("regime")
    if regime in PROBES and all(task["kind"] == "segmentation" for task in config["tasks"].values()):
        return f"Config: label_fractions.regime: {regime} is for classification, and the study has no such task."
    return None


def comparison_fault(config: dict[str, Any]) -> str | None:
    """An arm to compare that the study doesn't have."""
    pairs = [arm for pair in config.get("comparisons", []) for arm in pair]
    for key, arms in {"reference": [config.get("reference")], "comparisons": pairs}.items():
        for arm in arms:
            if arm is not None and arm not in config["methods"]:
                return f"Config: {key} names '{arm}', but `methods` has only {', '.join(config['methods'])}."
    return None


def pool_fault(config: dict[str, Any]) -> str | None:
    """Pretraining on the data of a task: nothing of a test fold may be in the pool."""
    if all(method["method"] in UNTRAINED for method in config["methods"].values()):
        return None  # nothing is pretrained
    pool = config["datasets"][config["pool"]]
    for name, task in config["tasks"].items():
        other = config["datasets"][task["dataset"]]
        same_files = "data_root" in pool and (layout(pool), pool["data_root"]) == (
            layout(other),
            other.get("data_root"),
        )
        if task["dataset"] == config["pool"] or same_files:
            return f"Config: pool and tasks.{name}.dataset are the same data: its test folds would be pretrained on."
    return None


def simulator_fault(config: dict[str, Any]) -> str | None:
    """A simulated set that its reader can't read, that can't be simulated, or that has no masks for its task."""
    segmented = {task["dataset"] for task in config["tasks"].values() if task["kind"] == "segmentation"}
    for name, dataset in config["datasets"].items():
        if "simulate" not in dataset:
            continue
        kind, frames = dataset["simulate"]["kind"], dataset["simulate"].get("frames", SHORTEST_POOL_VIDEO)
        if layout(dataset) != SIMULATED_LAYOUT[kind]:
            wanted = SIMULATED_LAYOUT[kind]
            return f"Config: datasets.{name}: a simulated set of kind {kind} takes reader '{wanted}'."
        if kind == "pool" and frames < SHORTEST_POOL_VIDEO:
            return f"Config: datasets.{name}.simulate.frames must be {SHORTEST_POOL_VIDEO} or more for a pool."
        if kind != "breast" and name in segmented:
            return f"Config: datasets.{name} has no masks to segment: of the simulated sets only kind breast has."
    return None
