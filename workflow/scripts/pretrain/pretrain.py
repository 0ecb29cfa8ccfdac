"""Pretrain one arm's encoder on the pool."""

from importlib import import_module
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake) as attempt:
    from uscl.audit.policy import read_left_out
    from uscl.base.files import written
    from uscl.data.store import FrameStore
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import save_encoder, save_heads
    from uscl.pretrain.engine.checkpoints import clear
    from uscl.pretrain.engine.initial import initial_encoder
    from uscl.training.device import start

    arm, seed, params, given = (
        snakemake.wildcards.arm,
        int(snakemake.wildcards.seed),
        snakemake.params,
        snakemake.input,
    )
    left_out_file = [Path(given.left_out)] if given.get("left_out") else []
    left_out = frozenset(video for path in left_out_file for video in read_left_out(path)["video"])
    fabric = start(params.device, params.precision, snakemake.threads, params.devices)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={
            "method": params.method,
            "init": params.init,
            "arch": params.arch,
            "seed": seed,
            "device": params.device,
            "devices": params.devices,
            "precision": params.precision,
            **params.settings,
        },
        config=snakemake.config,
        data=[Path(path) for path in (given.manifest, *left_out_file, *given.initial)],
        tags={"stage": "pretrain", "arm": arm},
    )
    attempt.tell(**record.record)
    checkpoints = Path(params.checkpoints)
    result = import_module(f"uscl.pretrain.methods.{params.method}").pretrain(
        initial_encoder(params.arch, params.init, seed, next(iter(given.initial), None)),
        FrameStore.open(Path(given.frames).parent, left_out),
        fabric,
        seed,
        **params.settings,
        folder=checkpoints,
        identity=record.identity([Path(path) for path in given.code]),
    )
    if fabric.is_global_zero:
        out = {name: Path(path) for name, path in snakemake.output.items()}
        save_encoder(result.encoder, out["encoder"], method=params.method, **record.origin())
        save_heads(result.heads, out["heads"])
        for name in ("history", "parts", "pairs"):
            with written(out[name]) as path:
                getattr(result, name).to_csv(path, index=False)
        parameters = sum(weight.numel() for weight in result.encoder.parameters())
        images = int(result.history["images"].sum())
        record.write(out["record"], training_s=result.seconds, images=images, parameters=parameters)
        clear(checkpoints)
