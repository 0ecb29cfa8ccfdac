"""Take the predictions of a task from a file, once they are complete."""

from pathlib import Path

from uscl.jobs.job import run_of

with run_of(snakemake) as attempt:
    from uscl.base.files import file_sha256, written
    from uscl.data.few_labels import labels_named
    from uscl.data.splits import labelled_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.cell import Cell
    from uscl.evaluate.given_predictions import given_predictions
    from uscl.jobs.outcome import write_done
    from uscl.jobs.run_record import RunRecord

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    cell = Cell(w.arm, w.task, w.regime, labels_named(w.labels), int(w.seed))
    folder = Path(snakemake.output.outcome).parent
    file = Path(params.file)
    record = RunRecord(
        cell.name,
        params={**cell._asdict(), "kind": params.kind, "file": str(file)},
        config=snakemake.config,
        data=[Path(given[name]) for name in ("manifest", "splits")],
        tags={"stage": w.regime, "arm": w.arm, "task": w.task, "predictions_sha256": file_sha256(file)},
    )
    attempt.describe(record.record)
    cases, folds = labelled_folds(Path(given.splits), cell.labels, cell.seed, cell.task)
    store = FrameStore.open(Path(given.frames).parent)
    table = given_predictions(file, params.kind, cases, folds, cell.seed, store, params.structures)
    with written(folder / "predictions.parquet") as path:
        # The columns in the order of our own predictions, with the fold last.
        table.assign(**cell._asdict(), fold=table.pop("fold")).to_parquet(path, index=False)
    record.write(folder / "run.json", folds=[])
    write_done(folder, params.key, ["predictions.parquet", "run.json"])
