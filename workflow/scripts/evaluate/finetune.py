"""Fine-tune one arm's encoder on a task, fold by fold, and store predictions of every test part, and the models."""

import json
from pathlib import Path

from uscl.jobs.job import run_of, trained_encoder

with run_of(snakemake) as attempt:
    encoder_file = trained_encoder(snakemake.input.encoder)

    from uscl.base.files import file_sha256
    from uscl.base.lookup import function_at
    from uscl.data.few_labels import labels_named
    from uscl.data.splits import labelled_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.cell import Cell, run_cell, write_cell
    from uscl.evaluate.finished_folds import FinishedFolds
    from uscl.evaluate.kept_models import KeptModels, about_cell
    from uscl.jobs.live_history import LiveHistory
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import load_encoder
    from uscl.training.device import start

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    cell = Cell(w.arm, w.task, w.regime, labels_named(w.labels), int(w.seed))
    folder = Path(snakemake.output.outcome).parent
    fabric = start(params.device, params.precision, params.threads)
    encoder, encoder_sha256 = load_encoder(encoder_file), file_sha256(encoder_file)
    record = RunRecord(
        cell.name,
        params={
            **cell._asdict(),
            "kind": params.kind,
            "arch": encoder.arch,
            "device": params.device,
            "precision": params.precision,
            "finetune": params.settings,
            "stream": params.stream,
        },
        config=snakemake.config,
        data=[Path(given[name]) for name in ("manifest", "masks", "splits")],
        tags={"stage": w.regime, "arm": w.arm, "task": w.task, "encoder_sha256": encoder_sha256},
    )
    attempt.describe(record.record)
    cases, folds = labelled_folds(Path(given.splits), cell.labels, cell.seed, cell.task)
    store, fit = FrameStore.open(Path(given.frames).parent), function_at(params.fit)

    about = params.reading and about_cell(
        cell._asdict(),
        folder,
        encoder_file,
        encoder_sha256,
        precision=params.precision,
        origin=record.origin(),
        **params.reading,
    )
    models, live = KeptModels(folder, about, store, cases), LiveHistory(Path(params.finished_folds))

    def run_fold(fold, stream):
        return fit(
            encoder, store, cases, fold, fabric, stream=stream, report=live.add, keep=models.add, **params.settings
        )

    identity = record.identity(params.code, encoder_sha256, json.dumps(params.reading))
    finished = FinishedFolds(Path(params.finished_folds), identity)
    evaluated = run_cell(cell, run_fold, folds, finished, live, params.stream, models)
    write_done(folder, params.key, [*write_cell(evaluated, folder, record), *models.finish(len(folds))])
    finished.clear()
