"""Score all cells of an evaluation whose few labels are drawn several times in each training, and compare the arms."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.jobs.outcome import runs_of
    from uscl.stats.evaluation import cases_of
    from uscl.stats.label_draws import intervals_over_draws, numbered, scores_of_draws
    from uscl.stats.level_tables import write_each_level
    from uscl.stats.levels import Asked, by_level
    from uscl.stats.native_scores import Native
    from uscl.stats.summary import comparisons

    params, out, kind = snakemake.params, snakemake.output, snakemake.params.kind
    # The outcomes of all arms and seeds, draw after draw.
    size = len(params.arms) * len(params.seeds)
    per_draw = [snakemake.input.outcomes[draw * size : (draw + 1) * size] for draw in range(params.label_draws)]
    runs = [runs_of(outcomes, params.arms, params.seeds) for outcomes in per_draw]
    arms = [arm for arm in params.arms if all(arm in of_draw.arms for of_draw in runs)]
    store = [Path(file).parent for file in snakemake.input.native[:1]]
    native = Native.of_store(store[0], **params.native) if store else None
    folders = [[folder for (arm, _), folder in of_draw.done.items() if arm in arms] for of_draw in runs]
    frames = numbered([cases_of(of_draw, kind, native) for of_draw in folders])
    asked, several = Asked(**params.levels), {"label_draws": params.label_draws}
    settings = {"draws": params.draws, "seed": params.seed, **several}
    pairs = [tuple(pair) for pair in params.pairs if set(pair) <= set(arms)]
    found = {
        "trainings": lambda cases: scores_of_draws(cases, kind, params.seeds, **several),
        "intervals": lambda cases: intervals_over_draws(cases, kind, **settings),
        "comparisons": lambda cases: comparisons(cases, kind, pairs, **settings, form=params.form),
    }
    levels = by_level(frames, kind, asked, snakemake.wildcards.task)
    write_each_level(out, found, levels, frames, asked)
