"""Map the frozen encoders' features of a task's cases, by class and by group."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import numpy as np

    from uscl.data.splits import read_folds
    from uscl.report.figures.map import representation_map
    from uscl.report.figures.style import save_both

    cases, _ = read_folds(Path(snakemake.input.splits))
    rows = cases["row"].to_numpy()
    arms = zip(snakemake.params.arms, snakemake.input.features, strict=True)
    found = {arm: np.load(path) for arm, path in arms}
    # An arm whose training failed has no features.
    features = {arm: array[rows] for arm, array in found.items() if len(array)}
    save_both(representation_map(features, cases), Path(snakemake.output.png).with_suffix(""))
