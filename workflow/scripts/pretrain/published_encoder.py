"""Write the encoder of an arm whose weights are published ones."""

from importlib import import_module
from pathlib import Path

from uscl.jobs.job import run_of

with run_of(snakemake) as attempt:
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import save_encoder

    arm, seed, params = snakemake.wildcards.arm, int(snakemake.wildcards.seed), snakemake.params
    folder, weights = Path(snakemake.output.outcome).parent, next(iter(snakemake.input.weights), None)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={"method": params.method, "arch": params.arch, "weights": weights, "seed": seed},
        config=snakemake.config,
        data=[Path(weights)] if weights else [],
        tags={"stage": "pretrain", "arm": arm},
    )
    attempt.describe(record.record)
    method = import_module(f"uscl.pretrain.methods.{params.method}").METHOD
    encoder = method.start(params.arch, seed, weights, method.settings(**params.settings))
    save_encoder(encoder, folder / "encoder.safetensors", method=params.method, **record.origin())
    record.write(folder / "run.json", images=0, parameters=sum(weight.numel() for weight in encoder.parameters()))
    write_done(folder, params.key, ["encoder.safetensors", "run.json"])
