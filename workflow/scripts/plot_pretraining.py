"""Draw a pretraining's losses and health by epoch, and the weights that it gives to pairs."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.manifest import read_manifest
    from uscl.report.pair_weights import pair_weights_figure
    from uscl.report.style import save
    from uscl.report.training import pretraining_curve

    title = f"{snakemake.wildcards.arm}, seed {snakemake.wildcards.seed}"
    save(pretraining_curve(pd.read_csv(snakemake.input.history), title), Path(snakemake.output.curve))
    pairs, manifest = pd.read_csv(snakemake.input.pairs), read_manifest(Path(snakemake.input.manifest))
    save(pair_weights_figure(pairs, manifest, title), Path(snakemake.output.weights))
