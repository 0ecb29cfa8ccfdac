"""Draw a task's folds, the same for every arm."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.policy import audited_cases, read_units
    from uscl.base.files import written
    from uscl.data.frame_sampling import with_sampling
    from uscl.data.splits import make_splits, task_cases
    from uscl.data.store import FrameStore
    from uscl.data.structures import check_structures

    store = FrameStore.open(Path(snakemake.input.frames).parent)
    check_structures(snakemake.wildcards.task, store, snakemake.params.structures)
    of_task = task_cases(store, snakemake.params.kind, snakemake.params.classes)
    cases = audited_cases(of_task, read_units(Path(snakemake.input.units)))
    sizes = {"folds": snakemake.params.folds, "inner": snakemake.params.inner}
    splits = make_splits(cases, **sizes, seed=int(snakemake.wildcards.partition))
    splits = with_sampling(splits, cases, snakemake.params.sampling)
    with written(Path(snakemake.output.splits)) as path:
        splits.to_csv(path, index=False)
