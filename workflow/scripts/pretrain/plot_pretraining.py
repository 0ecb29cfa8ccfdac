"""Draw a pretraining's losses and health by epoch, and the weights that it gives to pairs, also on film strips."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.data.store import FrameStore
    from uscl.report.figures.film_strip import choose_videos, film_strip
    from uscl.report.figures.pair_weights import pair_weights_figure
    from uscl.report.figures.style import save_both
    from uscl.report.figures.training import pretraining_curve

    title = f"{snakemake.wildcards.arm}, seed {snakemake.wildcards.seed}"
    history, pairs = pd.read_csv(snakemake.input.history), pd.read_csv(snakemake.input.pairs)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    figures = {
        "curve": pretraining_curve(history, title),
        "weights": pair_weights_figure(pairs, store.manifest, store.frames, title),
        "film_strip": film_strip(store.frames, choose_videos(pairs, store.manifest), title),
    }
    for name, figure in figures.items():
        save_both(figure, Path(snakemake.output[name]).with_suffix(""))
