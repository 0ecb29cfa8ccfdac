"""Draw the study's results: scores with intervals, average ranks, cost against score."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.metrics.registry import primary
    from uscl.report.figures.cost import cost_against_score
    from uscl.report.figures.overview import overview
    from uscl.report.figures.ranks import rank_figure, score_matrix
    from uscl.report.figures.style import save_both
    from uscl.report.figures.variance import variance_parts

    params = snakemake.params
    table, costs = pd.read_csv(snakemake.input.table), pd.read_csv(snakemake.input.costs)
    of_task = {task: primary(kind) for task, kind in params.kinds.items()}
    scores = table[table["metric"] == table["task"].map(of_task)]
    main = scores[scores["regime"] == scores["task"].map(params.main)]
    figures = {
        "overview": overview(scores, params.arms),
        "ranks": rank_figure(score_matrix(main, params.arms)),
        "cost": cost_against_score(main, costs, params.arms),
        "variance": variance_parts(scores, params.arms),
    }
    for name, figure in figures.items():
        save_both(figure, Path(snakemake.output[name]).with_suffix(""))
