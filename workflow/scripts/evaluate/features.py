"""Compute a frozen encoder's features of every frame of a data set."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import numpy as np

    from uscl.base.files import written
    from uscl.data.store import FrameStore
    from uscl.evaluate.features import frozen_features
    from uscl.models.checkpoint import load_encoder
    from uscl.training.device import start

    fabric = start(snakemake.params.device, snakemake.params.precision, snakemake.threads)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    features = frozen_features(load_encoder(snakemake.input.encoder), store, fabric)
    with written(Path(snakemake.output.features)) as path:
        np.save(path, features)
