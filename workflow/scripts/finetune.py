"""Fine-tune one arm's encoder on a task, fold by fold, and store the predictions of every test part."""

from importlib import import_module
from pathlib import Path

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.splits import read_folds
    from uscl.data.store import FrameStore
    from uscl.device import start
    from uscl.evaluate.cell import run_cell
    from uscl.files import sha256, written
    from uscl.models.checkpoint import load_encoder
    from uscl.provenance import RunRecord

    arm, task, seed = snakemake.wildcards.arm, snakemake.wildcards.task, int(snakemake.wildcards.seed)
    params = snakemake.params
    fabric = start(params.device, params.precision, snakemake.threads)
    encoder = load_encoder(snakemake.input.encoder)
    record = RunRecord(
        f"{task}/{arm}/seed{seed}",
        params={
            "arm": arm,
            "task": task,
            "kind": params.kind,
            "seed": seed,
            "arch": encoder.arch,
            "device": params.device,
            "precision": params.precision,
            "finetune": params.finetune,
        },
        config=snakemake.config,
        data=[Path(snakemake.input[name]) for name in ("manifest", "masks", "splits")],
        tags={"stage": "finetune", "arm": arm, "task": task, "encoder_sha256": sha256(Path(snakemake.input.encoder))},
    )
    cases, folds = read_folds(Path(snakemake.input.splits))
    predictions, history, times = run_cell(
        import_module(f"uscl.evaluate.{params.kind}").finetune_fold,
        encoder,
        FrameStore.open(Path(snakemake.input.frames).parent),
        cases,
        folds,
        fabric,
        arm=arm,
        task=task,
        seed=seed,
        **params.finetune,
    )
    with written(Path(snakemake.output.predictions)) as path:
        predictions.to_parquet(path, index=False)
    with written(Path(snakemake.output.history)) as path:
        history.to_csv(path, index=False)
    record.write(Path(snakemake.output.record), folds=times)
