"""Draw the losses and health of all pretrainings with one seed, and how they weight pairs of frames, if they do."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written_folder
    from uscl.base.tables import read_csv
    from uscl.data.store import FrameStore
    from uscl.jobs.outcome import required
    from uscl.jobs.recorded import checked
    from uscl.pretrain.engine.learned import learned
    from uscl.pretrain.meta.exercised import exercised
    from uscl.report.figures.film_strip import choose_videos, film_strip
    from uscl.report.figures.pair_weights import pair_weights_figure
    from uscl.report.figures.style import save_both
    from uscl.report.figures.training import pretraining_curve

    store = FrameStore.open(Path(snakemake.input.frames).parent)
    with written_folder(Path(snakemake.output.figures)) as out:
        for arm, path in zip(snakemake.params.arms, snakemake.input.outcomes, strict=True):
            if not required(Path(path)).done:
                continue
            title, folder = f"{arm}, seed {snakemake.wildcards.seed}", Path(path).parent
            history, pairs = (read_csv(checked(folder / name)) for name in ("history.csv", "pairs.csv"))
            save_both(pretraining_curve(history, title, learned(history)), out / arm / "pretraining_curve")
            if pairs["weight"].nunique() > 1:  # a figure of equal weights says nothing
                weights = pair_weights_figure(pairs, store.manifest, store.frames, title, exercised(history, pairs))
                save_both(weights, out / arm / "pair_weights")
            save_both(film_strip(store.frames, choose_videos(pairs, store.manifest), title), out / arm / "film_strip")
