"""Fine-tune one arm's encoder on a task, fold by fold, and store the predictions of every test part."""

from importlib import import_module
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake) as attempt:
    from uscl.base.files import file_sha256
    from uscl.data.splits import labelled_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.cell import Cell, run_cell, write_cell
    from uscl.evaluate.finished_folds import FinishedFolds
    from uscl.jobs.live_history import LiveHistory
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import load_encoder
    from uscl.training.device import start

    w, params = snakemake.wildcards, snakemake.params
    cell = Cell(w.arm, w.task, w.regime, int(w.labels), int(w.seed))
    fabric = start(params.device, params.precision, snakemake.threads)
    encoder = load_encoder(snakemake.input.encoder)
    record = RunRecord(
        cell.name,
        params={
            **cell._asdict(),
            "kind": params.kind,
            "arch": encoder.arch,
            "device": params.device,
            "precision": params.precision,
            "finetune": params.settings,
        },
        config=snakemake.config,
        data=[Path(snakemake.input[name]) for name in ("manifest", "masks", "splits")],
        tags={
            "stage": w.regime,
            "arm": w.arm,
            "task": w.task,
            "encoder_sha256": file_sha256(Path(snakemake.input.encoder)),
        },
    )
    attempt.tell(**record.record)
    cases, folds = labelled_folds(Path(snakemake.input.splits), cell.labels, cell.seed, cell.task)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    finetune_fold = import_module(f"uscl.evaluate.{params.kind}").finetune_fold

    live = LiveHistory(Path(params.finished_folds))

    def run_fold(fold, stream):
        more = {"stream": stream, "regime": cell.regime, "report": live.add, **params.settings}
        return finetune_fold(encoder, store, cases, fold, fabric, **more)

    # The encoder isn't among the record's data: its hash stands in the tags.
    identity = record.identity([Path(path) for path in (*snakemake.input.code, snakemake.input.encoder)])
    finished = FinishedFolds(Path(params.finished_folds), identity)
    write_cell(run_cell(cell, run_fold, folds, finished, live), Path(snakemake.output.record).parent, record)
    finished.clear()
