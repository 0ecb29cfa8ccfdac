"""Predict an external set with the models of a cell; nothing is predicted if the cell failed."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.audit.policy import read_units
    from uscl.base.files import written
    from uscl.data.few_labels import ALL_LABELS
    from uscl.data.splits import read_folds
    from uscl.data.store import FrameStore
    from uscl.evaluate.cell import Cell
    from uscl.evaluate.external import predict_external
    from uscl.evaluate.external_cases import external_cases
    from uscl.jobs.outcome import required
    from uscl.models.model_folder import fold_file
    from uscl.training.device import start

    w, params, given = snakemake.wildcards, snakemake.params, snakemake.input
    cell, outcome = Cell(w.arm, w.task, w.regime, ALL_LABELS, int(w.seed)), Path(given.outcome)
    predictions = pd.DataFrame()
    if required(outcome).done:
        known, folds = read_folds(Path(given.splits))
        classes = sorted(set(known["label"])) if params.kind == "classification" else []
        store = FrameStore.open(Path(given.frames).parent)
        place = f"tasks.{w.task}.external, {w.dataset}"
        cases = external_cases(store, read_units(Path(given.units)), params.kind, classes, params.names, place)
        fabric = start(params.device, params.precision, params.threads)
        files = [outcome.parent / fold_file(number) for number in range(len(folds))]
        predictions = predict_external(files, store, cases, fabric)
        predictions = predictions.assign(**cell._asdict(), fold=predictions.pop("fold"))
    with written(Path(snakemake.output.predictions)) as path:
        predictions.to_parquet(path, index=False)
