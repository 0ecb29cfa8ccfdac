"""Draw an evaluation: the results of all arms, and every fold of every cell."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.base.files import written_folder
    from uscl.base.tables import read_csv, read_parquet
    from uscl.data.store import FrameStore
    from uscl.jobs.outcome import runs_of
    from uscl.jobs.recorded import checked
    from uscl.report.figures.predictions import draw_cell
    from uscl.report.figures.task import draw_task
    from uscl.stats.levels import Asked, by_level

    given, params = snakemake.input, snakemake.params
    cells = [Path(params.cells, arm, f"seed{seed}/outcome.json") for arm in params.arms for seed in params.seeds]
    runs, store = runs_of(cells, params.arms, params.seeds), FrameStore.open(Path(given.frames).parent)
    predictions = {run: read_parquet(checked(folder / "predictions.parquet")) for run, folder in runs.done.items()}
    # Predictions from a file come without a history.
    curves = {run: folder / "history.csv" for run, folder in runs.done.items()}
    histories = {run: read_csv(checked(path)) for run, path in curves.items() if path.is_file()}
    with written_folder(Path(snakemake.output.figures)) as folder:
        for (arm, seed), table in predictions.items():
            draw_cell(table, histories.get((arm, seed)), store, folder / "cells" / f"{arm}-seed{seed}")
        if runs.done:
            of_runs = [table.assign(arm=arm, seed=seed) for (arm, seed), table in histories.items()]
            all_histories = pd.concat(of_runs or [pd.DataFrame()], ignore_index=True)
            all_predictions = pd.concat(predictions.values(), ignore_index=True)
            frames = read_parquet(given.cases)
            levels = by_level(frames, params.kind, Asked(**params.levels), snakemake.wildcards.task)
            main = next(iter(levels.items()))
            draw_task(params.kind, runs.arms, frames, main, all_predictions, all_histories, store, folder)
