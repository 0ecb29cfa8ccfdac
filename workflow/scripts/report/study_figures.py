"""Draw the study's results: scores, differences to the reference, costs, uncertainty, and ranks of many tasks."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.tables import read_csv
    from uscl.metrics.registry import primary
    from uscl.report.figures.cost import cost_and_score
    from uscl.report.figures.differences import differences
    from uscl.report.figures.overview import overview
    from uscl.report.figures.ranks import rank_figure, score_matrix
    from uscl.report.figures.style import save_both
    from uscl.report.figures.variance import variance_parts
    from uscl.report.tables.external import in_overview
    from uscl.stats.level_tables import with_level

    given, params = snakemake.input, snakemake.params
    table, costs, claims = (read_csv(path) for path in (given.table, given.costs, given.claims))
    of_task = {task: primary(kind) for task, kind in params.kinds.items()}

    def main_scores(table):
        scores = with_level(table[table["metric"] == table["task"].map(of_task)])
        return scores[scores["level"] == scores["task"].map(params.levels)]

    scores = main_scores(table)
    shown = main_scores(in_overview(table, read_csv(given.external[0]))) if given.external else scores
    main = scores[scores["regime"] == scores["task"].map(params.main)]
    figures = {
        "overview": lambda: overview(shown, params.arms),
        "differences": lambda: differences(claims, params.reference, params.arms, params.levels),
        "cost": lambda: cost_and_score(main, costs, params.arms, gpu=params.gpu),
        "variance": lambda: variance_parts(scores, params.arms),
        "ranks": lambda: rank_figure(score_matrix(main, params.arms)),
    }
    for stem in {Path(path).with_suffix("") for path in snakemake.output}:
        save_both(figures[stem.name](), stem)
