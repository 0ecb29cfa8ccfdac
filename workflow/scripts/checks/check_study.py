"""Stop the study before anything is trained if its settings and data can't work together."""

import logging
from pathlib import Path

from uscl.jobs.job import job

log = logging.getLogger(__name__)

with job(snakemake):
    from uscl.audit.hashes import read_hashes
    from uscl.audit.policy import read_left_out, read_units
    from uscl.base.files import write_text
    from uscl.checks.expectations import expectations, groups_of
    from uscl.checks.feasible.given import check_checkpoint, check_given
    from uscl.checks.feasible.native import check_native
    from uscl.checks.feasible.pretraining import check_pool
    from uscl.checks.feasible.tasks import check_task
    from uscl.data.splits import read_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.external_cases import check_external, external_cases
    from uscl.pretrain.pairs.pool_parts import Shares

    given, params = snakemake.input, snakemake.params
    stores = {name: Path(path).parent for name, path in zip(params.datasets, given.stores, strict=True)}
    hashes = {name: Path(path) for name, path in zip(params.datasets, given.hashes, strict=True)}
    lines = []
    if params.initial:
        from uscl.pretrain.engine.initial import initial_encoder, input_of  # late: it imports torch

        for arch, init, file, own in params.initial:
            initial_encoder(arch, init, params.seeds[0], file, **input_of(own))
    for arm, checkpoint in params.checkpoints.items():
        lines.append(check_checkpoint(arm, checkpoint["arch"], params.seeds[0], checkpoint["settings"]))
    for pool in params.pool:
        left_out = frozenset(read_left_out(Path(given.left_out))["video"]) if params.drop else frozenset()
        manifest, blank = FrameStore.open(stores[pool]).manifest, read_hashes(hashes[pool]).blank
        lines += check_pool(
            params.arms, Shares(**params.shares), params.seeds, manifest, blank, left_out, params.devices
        )
    partitions, first, all_splits = iter(given.splits), {}, {}
    for task, settings in params.tasks.items():
        splits = {seed: Path(next(partitions)) for seed in params.seeds}
        dataset, sizes = settings["dataset"], {key: settings[key] for key in ("parts", "batch_size", "levels")}
        store = FrameStore.open(stores[dataset])
        masks = store.masks if settings["kind"] == "segmentation" else None
        pictures = store.manifest[["height", "width"]].to_numpy()
        blank = read_hashes(hashes[dataset]).blank
        lines.append(check_task(task, splits, blank, masks, pictures=pictures, **sizes))
        if settings["native"]:
            check_native(task, splits[params.seeds[0]], store.manifest, **settings["native"])
        first[task], all_splits[task] = splits[params.seeds[0]], splits
    lines += check_given(
        params.given, params.tasks, all_splits, {name: FrameStore.open(folder) for name, folder in stores.items()}
    )
    for (task, dataset, names), units in zip(params.external, given.external_units, strict=True):
        kind, where = params.tasks[task]["kind"], f"tasks.{task}.external, {dataset}"
        known = sorted(set(read_folds(first[task])[0]["label"])) if kind == "classification" else []
        store = FrameStore.open(stores[dataset])
        lines.append(check_external(where, external_cases(store, read_units(Path(units)), kind, known, names, where)))
    for sentence in expectations(**params.expected, groups=groups_of(dict.fromkeys(first), first)):
        log.info("Expected: %s", sentence)
        lines.append(f"expected: {sentence}")
    write_text(Path(snakemake.output.feasible), "".join(f"{line}\n" for line in lines))
