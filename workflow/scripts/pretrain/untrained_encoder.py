"""Write the encoder of an arm that sees no ultrasound before fine-tuning."""

from importlib import import_module
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake) as attempt:
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import save_encoder

    arm, seed, params = snakemake.wildcards.arm, int(snakemake.wildcards.seed), snakemake.params
    weights = next(iter(snakemake.input.get("weights", [])), None)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={"method": params.method, "arch": params.arch, "weights": weights, "seed": seed},
        config=snakemake.config,
        data=[Path(weights)] if weights else [],
        tags={"stage": "pretrain", "arm": arm},
    )
    attempt.tell(**record.record)
    encoder = import_module(f"uscl.pretrain.methods.{params.method}").untrained_encoder(params.arch, seed, weights)
    save_encoder(encoder, Path(snakemake.output.encoder), method=params.method, **record.origin())
    parameters = sum(weight.numel() for weight in encoder.parameters())
    record.write(Path(snakemake.output.record), images=0, parameters=parameters)
