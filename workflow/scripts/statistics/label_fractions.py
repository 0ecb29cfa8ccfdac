"""Scores of all arms with a part of the training labels: a table and curves."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.base.errors import UserError
    from uscl.base.files import written
    from uscl.base.tables import read_csv
    from uscl.data.few_labels import few_labels
    from uscl.metrics.registry import primary
    from uscl.report.figures.curves import label_fraction_curves
    from uscl.report.figures.style import save_both
    from uscl.stats.level_tables import main_level

    params, tables = snakemake.params, []
    if not params.evaluations:
        raise UserError("The config has no `label_fractions`: see config/README.md for its keys, and add it.")
    for (task, regime, labels), path in zip(params.evaluations, snakemake.input.intervals, strict=True):
        found = main_level(read_csv(path))
        main = found[found["metric"] == primary(params.kinds[task])]
        part = few_labels(labels)
        amount = {"labels": part.percent} if part.shots is None else {"shots": part.shots}
        tables.append(main.assign(task=task, regime=regime, **amount))
    scores = pd.concat(tables, ignore_index=True)
    with written(Path(snakemake.output.csv)) as path:
        amounts = {name: "Int64" for name in ("labels", "shots") if name in scores}
        scores.astype(amounts).to_csv(path, index=False, float_format="%.6f")
    save_both(label_fraction_curves(scores, arms=params.arms), Path(snakemake.output.png).with_suffix(""))
