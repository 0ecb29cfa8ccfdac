"""Take a task's split as the provider of the data gives it, the same for every arm."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.policy import audited_cases, read_units
    from uscl.base.files import written
    from uscl.data.frame_sampling import with_sampling
    from uscl.data.given_splits import given_splits
    from uscl.data.splits import task_cases
    from uscl.data.store import FrameStore

    w, params = snakemake.wildcards, snakemake.params
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    cases = audited_cases(task_cases(store, params.kind, params.classes), read_units(Path(snakemake.input.units)))
    splits = given_splits(cases, inner=params.inner, seed=int(w.partition), task=w.task)
    splits = with_sampling(splits, cases, snakemake.params.sampling)
    with written(Path(snakemake.output.splits)) as path:
        splits.to_csv(path, index=False)
