"""Write the encoder of an arm whose weights are published ones."""

from pathlib import Path

from uscl.jobs.job import run_of

with run_of(snakemake) as attempt:
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import save_encoder
    from uscl.pretrain.own_method import method_named

    arm, seed, params = snakemake.wildcards.arm, int(snakemake.wildcards.seed), snakemake.params
    folder, weights = Path(snakemake.output.outcome).parent, next(iter(snakemake.input.weights), None)
    method = method_named(params.method)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={"method": method.name, "arch": params.arch, "weights": weights, "seed": seed},
        config=snakemake.config,
        data=[Path(weights)] if weights else [],
        tags={"stage": "pretrain", "arm": arm},
    )
    attempt.describe(record.record)
    encoder = method.start(params.arch, seed, weights, method.settings(**params.settings))
    save_encoder(encoder, folder / "encoder.safetensors", method=method.name, **record.origin())
    record.write(folder / "run.json", images=0, parameters=sum(weight.numel() for weight in encoder.parameters()))
    write_done(folder, params.key, ["encoder.safetensors", "run.json"])
