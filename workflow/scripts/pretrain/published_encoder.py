"""Write the encoder of an arm whose weights are published ones, or those of a file."""

from pathlib import Path

from uscl.jobs.job import run_of, trained_encoder

with run_of(snakemake) as attempt:
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import save_encoder
    from uscl.pretrain.own_method import method_named

    arm, seed, params = snakemake.wildcards.arm, int(snakemake.wildcards.seed), snakemake.params
    folder, named = Path(snakemake.output.outcome).parent, next(iter(snakemake.input.weights), None)
    # An encoder of another arm of this study is given by the outcome of its training.
    weights = str(trained_encoder(named)) if named and Path(named).name == "outcome.json" else named
    method = method_named(params.method)
    record = RunRecord(
        f"pretrain/{arm}/seed{seed}",
        params={"method": method.name, "arch": params.arch, "weights": weights, "seed": seed, **params.settings},
        config=snakemake.config,
        data=[Path(weights)] if weights else [],
        tags={"stage": "pretrain", "arm": arm},
    )
    attempt.describe(record.record)
    encoder, matched = method.start(params.arch, seed, weights, method.settings(**params.settings))
    save_encoder(encoder, folder / "encoder.safetensors", method=method.name, **record.origin())
    # What a file's encoder was pretrained on is not known.
    facts = {"images": 0} if matched is None else {"matched": matched}
    record.write(folder / "run.json", parameters=sum(weight.numel() for weight in encoder.parameters()), **facts)
    write_done(folder, params.key, ["encoder.safetensors", "run.json"])
