"""Draw a task's folds, the same for every arm and seed."""

from pathlib import Path

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.splits import make_splits, task_cases
    from uscl.data.store import FrameStore
    from uscl.files import written

    store = FrameStore.open(Path(snakemake.input.frames).parent)
    cases = task_cases(store, snakemake.params.kind)
    splits = make_splits(cases, seed=snakemake.params.seed, **snakemake.params.splits)
    with written(Path(snakemake.output.splits)) as path:
        splits.to_csv(path, index=False)
