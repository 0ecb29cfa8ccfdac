"""Fit a probe of frozen features on a task, fold by fold, and store predictions of every test part, and the probes."""

from pathlib import Path

from uscl.jobs.job import run_of, trained_encoder

with run_of(snakemake) as attempt:
    # The features of an arm without an encoder come from a file.
    outcome = next(iter(snakemake.input.encoder), None)
    encoder_file = trained_encoder(outcome) if outcome else None

    import numpy as np

    from uscl.base.files import file_sha256
    from uscl.base.lookup import function_at
    from uscl.data.few_labels import labels_named
    from uscl.data.splits import labelled_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.cell import Cell, run_cell, write_cell
    from uscl.evaluate.kept_models import KeptModels, about_cell
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    cell = Cell(w.arm, w.task, w.regime, labels_named(w.labels), int(w.seed))
    folder = Path(snakemake.output.outcome).parent
    encoder_sha256 = file_sha256(encoder_file) if encoder_file else None
    record = RunRecord(
        cell.name,
        params={**cell._asdict(), "kind": params.kind},
        config=snakemake.config,
        data=[Path(given[name]) for name in ("manifest", "splits")],
        tags={
            "stage": w.regime,
            "arm": w.arm,
            "task": w.task,
            **({"encoder_sha256": encoder_sha256} if encoder_sha256 else {}),
            **({} if encoder_sha256 else {"features_sha256": file_sha256(Path(given.features))}),
        },
    )
    attempt.describe(record.record)
    cases, folds = labelled_folds(Path(given.splits), cell.labels, cell.seed, cell.task)
    features, fit = np.load(given.features), function_at(params.fit)

    about = params.reading and about_cell(
        cell._asdict(),
        folder,
        encoder_file,
        encoder_sha256,
        precision=params.precision,
        origin=record.origin(),
        **params.reading,
    )
    models = KeptModels(folder, about, FrameStore.open(Path(given.frames).parent), cases)

    def run_fold(fold, stream):
        return fit(features, cases, fold, keep=models.add, **params.settings)

    evaluated = run_cell(cell, run_fold, folds, models=models)
    write_done(folder, params.key, [*write_cell(evaluated, folder, record), *models.finish(len(folds))])
