"""How much work the dearest jobs are, from a study's settings and its data; and how long they take at a rate."""

from collections.abc import Mapping
from typing import Any

from uscl.checks.doctor.rates import Record, at_size
from uscl.study.contradictions import PROBES

# Settings of the methods where the study leaves them out (config/README.md).
EPOCHS, BATCH, META_BATCH, META_SHARE, VALIDATION_SHARE = 300, 32, 32, 0.2, 0.1

# Passes: forward is 1 and backward 2, so that looking at an image is a third of training on it.
LOOKING = 1 / 3

Config = Mapping[str, Any]


def pretraining_views(settings: Config, videos: int | None, speeds: Record) -> float | None:
    """Views that an arm trains on, each as dear as one of SimCLR's: two a training video and epoch."""
    if videos is None:
        return None
    held_out = settings.get("validation_share", VALIDATION_SHARE)
    meta = settings.get("meta", {})
    if settings["method"] == "meta_uscl":
        held_out += meta.get("share", META_SHARE)
    # What watches the loss is looked at once an epoch.
    an_epoch = videos * (1 - held_out) * step_price(settings, videos, speeds)
    watched = videos * settings.get("validation_share", VALIDATION_SHARE) * LOOKING
    return 2 * settings.get("epochs", EPOCHS) * (an_epoch + watched)


def step_price(settings: Config, videos: int, speeds: Record) -> float:
    """What a step costs in steps of SimCLR; the recorded price of Meta-USCL has a meta batch as large as the batch."""
    if settings["method"] != "meta_uscl" or settings.get("weights", "learned") not in ("learned", "shuffled"):
        return 1.0
    meta = settings.get("meta", {})
    batch = min(settings.get("batch_size", BATCH), videos)
    clean = min(meta.get("batch_size", META_BATCH), videos * meta.get("share", META_SHARE))
    price = speeds["meta_step"][meta.get("update", "published")] - 1 + clean / batch
    return 1 + (price - 1) / meta.get("every", 1)


def cell_seconds(config: Config, task: Config, regime: str, cases: int | None, record: Record) -> float | None:
    """Seconds of all folds of a cell."""
    folds, inner = config["splits"]["folds"], config["splits"]["inner"]
    trained = (folds - 1) * (inner - 1) / inner  # in parts of the cases, over all folds
    start = record["start_s"]["calculating" if regime in PROBES else "training"]
    if cases is None or regime == "knn":
        return None if cases is None else start
    if regime == "linear":
        return start + trained * cases / record["encoders"][config["encoder"]]["linear_cases"]
    looked_at = (folds - 1) / inner
    if config.get("authors_protocol") and task["kind"] == "classification":
        looked_at += 1  # the test part of every fold, after every epoch
    images = task["finetune"]["epochs"] * cases * (trained + LOOKING * looked_at)
    return start + images / finetuning_rate(config, task["kind"], regime, record)


def finetuning_rate(config: Config, kind: str, regime: str, record: Record) -> float:
    """Training images a second; of a decoder, the last block alone saves what it saves of a classifier."""

    def rate(what: str) -> float:
        return at_size(record, config["encoder"], what, config["frame_size"])

    if kind == "classification":
        return rate("last_block_images" if regime == "last_block" else "finetune_images")
    if regime == "finetune":
        return rate("segmentation_images")
    saved = 1 / rate("finetune_images") - 1 / rate("last_block_images")
    return 1 / max(1 / rate("segmentation_images") - saved, 1 / rate("last_block_images"))


def plus(start: float, count: float | None, rate: float) -> float | None:
    """Seconds of a job that starts and then does `count` things at a rate; None where nobody knows how many."""
    return None if count is None else start + count / rate
