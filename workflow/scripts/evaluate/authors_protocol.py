"""Fine-tune one arm's encoder by the authors' protocol, fold by fold, for the comparison with published values.

The run is not described to its attempt, so MLflow, which shows results, does not show it.
"""

from pathlib import Path

from uscl.jobs.job import run_of, trained_encoder

with run_of(snakemake):
    encoder_file = trained_encoder(snakemake.input.encoder)

    from uscl.base.files import file_sha256
    from uscl.data.few_labels import ALL_LABELS
    from uscl.data.splits import read_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.authors_protocol import finetune_fold, without_validation
    from uscl.evaluate.cell import Cell, run_cell, write_cell
    from uscl.evaluate.finished_folds import FinishedFolds
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord
    from uscl.models.checkpoint import load_encoder
    from uscl.training.device import start

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    cell = Cell(w.arm, w.task, "authors_protocol", ALL_LABELS, int(w.seed))
    folder = Path(snakemake.output.outcome).parent
    fabric = start(params.device, params.precision, params.threads)
    encoder, encoder_sha256 = load_encoder(encoder_file), file_sha256(encoder_file)
    record = RunRecord(
        cell.name,
        params={
            **cell._asdict(),
            "arch": encoder.arch,
            "device": params.device,
            "precision": params.precision,
            "stream": params.stream,
        },
        config=snakemake.config,
        data=[Path(given[name]) for name in ("manifest", "splits")],
        tags={"stage": cell.regime, "arm": w.arm, "task": w.task, "encoder_sha256": encoder_sha256},
    )
    cases, folds = read_folds(Path(given.splits))
    store = FrameStore.open(Path(given.frames).parent)

    def run_fold(fold, stream):
        return finetune_fold(encoder, store, cases, fold, fabric, stream=stream)

    finished = FinishedFolds(Path(params.finished_folds), record.identity(params.code, encoder_sha256))
    evaluated = run_cell(cell, run_fold, list(map(without_validation, folds)), finished, stream=params.stream)
    write_done(folder, params.key, write_cell(evaluated, folder, record))
    finished.clear()
