"""Pretrain one arm's encoder on the pool."""

from pathlib import Path

from uscl.jobs.job import run_of, trained_encoder

with run_of(snakemake) as attempt:
    from uscl.audit.policy import read_left_out
    from uscl.base.seeds import of_stream
    from uscl.data.store import FrameStore
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.pretrain.engine.checkpoints import clear
    from uscl.pretrain.engine.initial import initial_encoder
    from uscl.pretrain.engine.pretrained import write_pretrained
    from uscl.pretrain.own_method import method_named
    from uscl.pretrain.pairs.pool import Pool
    from uscl.pretrain.pairs.pool_parts import Shares
    from uscl.training.device import start

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    seed, folder, checkpoints = int(w.seed), Path(snakemake.output.outcome).parent, Path(params.checkpoints)
    left_out_file = [Path(given.left_out)] if given.get("left_out") else []
    left_out = frozenset(video for path in left_out_file for video in read_left_out(path)["video"])
    # An encoder of another arm of this study is given by the outcome of its training.
    initial = [trained_encoder(path) if Path(path).name == "outcome.json" else Path(path) for path in given.initial]
    method = method_named(params.method)
    fabric = start(params.device, params.precision, params.threads, params.devices)
    record = RunRecord(
        f"pretrain/{w.arm}/seed{seed}",
        params={
            "method": method.name,
            "init": params.init,
            "arch": params.arch,
            "seed": seed,
            "device": params.device,
            "devices": params.devices,
            "precision": params.precision,
            **params.settings,
            "pool_parts": params.shares,
        },
        config=snakemake.config,
        data=[Path(given.manifest), *left_out_file, *initial],
        tags={"stage": "pretrain", "arm": w.arm},
    )
    attempt.describe(record.record)
    settings = method.settings(**params.settings)
    # All arms of a training have the same parts of the pool, whatever their streams.
    pool = Pool(FrameStore.open(Path(given.frames).parent, left_out), fabric, seed, Shares(**params.shares))
    arm_seed = of_stream(seed, settings.stream)
    encoder, matched = initial_encoder(
        params.arch,
        params.init,
        arm_seed,
        next(iter(initial), None),
        stats=settings.stats,
        input_size=settings.input_size,
    )
    result = method.pretrain(
        encoder,
        pool,
        fabric,
        arm_seed,
        settings,
        folder=checkpoints,
        identity=record.identity(params.code),
    )
    if fabric.is_global_zero:
        write_done(folder, params.key, write_pretrained(result, folder, method.name, record, matched))
        clear(checkpoints)
