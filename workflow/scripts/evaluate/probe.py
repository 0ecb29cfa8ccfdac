"""Fit a probe of frozen features on a task, fold by fold, and store the predictions of every test part."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake) as attempt:
    import numpy as np

    from uscl.base.files import file_sha256
    from uscl.data.splits import labelled_folds
    from uscl.evaluate.cell import Cell, run_cell, write_cell
    from uscl.evaluate.probe import probe_fold
    from uscl.jobs.run_record import RunRecord

    w, given = snakemake.wildcards, snakemake.input
    cell = Cell(w.arm, w.task, w.regime, int(w.labels), int(w.seed))
    record = RunRecord(
        cell.name,
        params={**cell._asdict(), "kind": "classification"},
        config=snakemake.config,
        data=[Path(given[name]) for name in ("manifest", "splits")],
        tags={"stage": w.regime, "arm": w.arm, "task": w.task, "encoder_sha256": file_sha256(Path(given.encoder))},
    )
    attempt.tell(**record.record)
    cases, folds = labelled_folds(Path(given.splits), cell.labels, cell.seed, cell.task)
    features = np.load(given.features)

    def run_fold(fold, stream):
        return probe_fold(features, cases, fold, regime=cell.regime)

    write_cell(run_cell(cell, run_fold, folds), Path(snakemake.output.record).parent, record)
