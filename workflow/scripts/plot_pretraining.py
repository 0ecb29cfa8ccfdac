"""Draw a pretraining's losses and health by epoch, and the weights that it gives to pairs, also on film strips."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.store import FrameStore
    from uscl.report.film_strip import choose_videos, film_strip
    from uscl.report.pair_weights import pair_weights_figure
    from uscl.report.style import save
    from uscl.report.training import pretraining_curve

    title = f"{snakemake.wildcards.arm}, seed {snakemake.wildcards.seed}"
    save(pretraining_curve(pd.read_csv(snakemake.input.history), title), Path(snakemake.output.curve))
    pairs, store = pd.read_csv(snakemake.input.pairs), FrameStore.open(Path(snakemake.input.frames).parent)
    save(pair_weights_figure(pairs, store.manifest, store.frames, title), Path(snakemake.output.weights))
    strips = choose_videos(pairs, store.manifest)
    save(film_strip(store.frames, strips, title), Path(snakemake.output.film_strip))
