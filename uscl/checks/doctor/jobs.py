"""The jobs of a study with the seconds that each should take, from recorded times and the amount of data.

The names are those of Snakemake's benchmark files below <results>/benchmarks, so that jobs that have run can be told.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from uscl.checks.doctor.amounts import Amount
from uscl.checks.doctor.rates import Record, at_size
from uscl.checks.doctor.training_cost import Config, cell_seconds, plus, pretraining_views
from uscl.study.contradictions import PROBES, UNTRAINED

# Seconds of intervals and tests a case at 10,000 draws; and how many pages the larger figures are worth.
COMPARED_S, PAGES = 0.005, 2

PARTS = ("data", "audit", "pretraining", "fine-tuning", "features, probes", "tables, figures")


class Job(NamedTuple):
    """One job: the part of the study that it belongs to, its seconds (None: unknown), its threads, its GPUs."""

    part: str
    name: str
    seconds: float | None
    threads: int = 1
    gpus: int = 0


def study_jobs(config: Config, amounts: Mapping[str, Amount], record: Record, cores: int) -> list[Job]:
    """All jobs of the target `all` but downloads; `amounts` has every data set of the study."""
    return [
        *data_jobs(config, amounts, record, cores),
        *audit_jobs(amounts, record),
        *encoder_jobs(config, amounts, record),
        *cell_jobs(config, amounts, record),
        *feature_jobs(config, amounts, record),
        *report_jobs(config, amounts, record),
    ]


def data_jobs(config: Config, amounts: Mapping[str, Amount], record: Record, cores: int) -> Iterator[Job]:
    """Simulating, extracting, drawing folds."""
    start, threads = record["start_s"]["calculating"], max(1, cores // len(amounts))
    for name, found in amounts.items():
        if simulation := config["datasets"][name].get("simulate"):
            rate = record["simulate_images" if simulation["kind"] == "breast" else "simulate_frames"]
            yield Job("data", f"simulate/{name}", plus(start, found.decoded, rate))
        yield Job(
            "data", f"extract_frames/{name}", plus(start, found.decoded, threads * record["extract_frames"]), threads
        )
    for task in config["tasks"]:
        yield Job("data", f"split/{task}", start)


def audit_jobs(amounts: Mapping[str, Amount], record: Record) -> Iterator[Job]:
    """Looking for leaks: hashing a frame is taken to cost what extracting it does."""
    start = record["start_s"]["calculating"]
    for name, found in amounts.items():
        yield Job("audit", f"audit/hash_frames-{name}", plus(start, found.frames, record["extract_frames"]))
        yield Job("audit", f"audit/audit_set-{name}", start)
        yield Job("audit", f"audit/find_text-{name}", plus(start, found.videos, record["extract_frames"]))
    yield Job("audit", "audit/audit_study", start)
    yield Job("audit", "audit/gate", start)
    yield Job("audit", "audit/check_study", start)


def encoder_jobs(config: Config, amounts: Mapping[str, Amount], record: Record) -> Iterator[Job]:
    """Encoders of all arms and seeds."""
    start = record["start_s"]["training"]
    rate = at_size(record, config["encoder"], "pretrain_views", config["frame_size"])
    on_gpu = config["device"] == "cuda"
    devices = config.get("devices", 1)
    for arm, settings in config["methods"].items():
        for seed in config["seeds"]:
            name = f"encoders/{arm}-seed{seed}"
            if settings["method"] in UNTRAINED:
                yield Job("pretraining", name, start)
                continue
            views = pretraining_views(settings, amounts[config["pool"]].videos, record["encoders"][config["encoder"]])
            threads, gpus = (1, devices) if on_gpu else (devices, 0)
            yield Job("pretraining", name, plus(start, views, devices * rate), threads, gpus)


def cell_jobs(config: Config, amounts: Mapping[str, Amount], record: Record) -> Iterator[Job]:
    """Fine-tuning and probes of all tasks, regimes, arms and seeds, with their scores and pictures."""
    for task, settings in config["tasks"].items():
        found = amounts[settings["dataset"]]
        cases = found.lesions if settings["kind"] == "segmentation" else found.cases
        for regime in settings.get("regimes", ["finetune"]):
            seconds = cell_seconds(config, settings, regime, cases, record)
            part, gpus = (
                ("features, probes", 0) if regime in PROBES else ("fine-tuning", int(config["device"] == "cuda"))
            )
            for arm in config["methods"]:
                for seed in config["seeds"]:
                    cell = f"{task}-{regime}-labels100-{arm}-seed{seed}"
                    yield Job(part, f"cells/{cell}", seconds, gpus=gpus)
                    yield Job("tables, figures", f"score/{cell}", record["start_s"]["calculating"])
                    yield Job("tables, figures", f"draw_cell/{cell}", record["start_s"]["drawing"])


def feature_jobs(config: Config, amounts: Mapping[str, Amount], record: Record) -> Iterator[Job]:
    """Features of frozen encoders: of every seed for probes, of the first for the maps."""
    tasks = [task for task in config["tasks"].values() if task["kind"] == "classification"]
    probed = {task["dataset"] for task in tasks if set(task.get("regimes", [])) & set(PROBES)}
    rate = at_size(record, config["encoder"], "feature_images", config["frame_size"])
    for dataset in dict.fromkeys(task["dataset"] for task in tasks):
        seconds = plus(record["start_s"]["training"], amounts[dataset].frames, rate)
        for arm in config["methods"]:
            for seed in config["seeds"] if dataset in probed else config["seeds"][:1]:
                name = f"features/{dataset}-{arm}-seed{seed}"
                yield Job("features, probes", name, seconds, gpus=int(config["device"] == "cuda"))


def report_jobs(config: Config, amounts: Mapping[str, Amount], record: Record) -> Iterator[Job]:
    """Statistics, tables, figures and the logging of runs."""
    part, start = "tables, figures", record["start_s"]
    for task, settings in config["tasks"].items():
        cases = amounts[settings["dataset"]].cases or 0
        compared = COMPARED_S * cases * config.get("draws", 10_000) / 10_000
        for regime in settings.get("regimes", ["finetune"]):
            yield Job(part, f"compare/{task}-{regime}", start["calculating"] + compared)
            yield Job(part, f"task_figures/{task}-{regime}", PAGES * start["drawing"])
            if config["tracking"] == "mlflow":
                for arm in config["methods"]:
                    for seed in config["seeds"]:
                        name = f"tracking/cells/{task}-{regime}-labels100-{arm}-seed{seed}"
                        yield Job(part, name, start["logging"])
        if settings["kind"] == "classification":
            yield Job(part, f"representation_map/{task}", PAGES * start["drawing"])
    for arm, settings in config["methods"].items():
        for seed in config["seeds"]:
            if settings["method"] not in UNTRAINED:
                yield Job(part, f"plot_pretraining/{arm}-seed{seed}", start["drawing"])
            if config["tracking"] == "mlflow":
                yield Job(part, f"tracking/encoders/{arm}-seed{seed}", start["logging"])
    for name in ("contact_sheet", "study_figures"):
        yield Job(part, name, start["drawing"])
    yield Job(part, "table", start["calculating"])
    if config["tracking"] == "mlflow":
        yield Job(part, "mlflow_store", start["logging"])
