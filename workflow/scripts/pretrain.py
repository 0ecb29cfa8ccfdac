"""Pretrain one arm's encoder on the pool."""

from importlib import import_module
from pathlib import Path

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.store import FrameStore
    from uscl.device import start
    from uscl.files import written
    from uscl.models.checkpoint import save_encoder
    from uscl.provenance import RunRecord

    arm, seed, params = snakemake.wildcards.arm, int(snakemake.wildcards.seed), snakemake.params
    fabric = start(params.device, params.precision, snakemake.threads)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={
            "method": params.method,
            "arch": params.arch,
            "seed": seed,
            "device": params.device,
            "precision": params.precision,
            **params.settings,
        },
        config=snakemake.config,
        data=[Path(snakemake.input.manifest)],
        tags={"stage": "pretrain", "arm": arm},
    )
    pool = FrameStore.open(Path(snakemake.input.frames).parent)
    method = import_module(f"uscl.pretrain.{params.method}")
    encoder, history = method.pretrain(params.arch, pool, fabric, seed, **params.settings)

    save_encoder(encoder, Path(snakemake.output.encoder), method=params.method, **record.origin())
    with written(Path(snakemake.output.history)) as path:
        history.to_csv(path, index=False)
    record.write(Path(snakemake.output.record))
