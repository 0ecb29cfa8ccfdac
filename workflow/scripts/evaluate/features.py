"""Compute a frozen encoder's features of every frame of some data sets; none if the encoder could not be trained."""

from pathlib import Path

from uscl.jobs.job import job, trained_encoder

with job(snakemake):
    import numpy as np

    from uscl.base.files import written
    from uscl.jobs.outcome import required

    outcome, params, encoder = Path(snakemake.input.encoder), snakemake.params, None
    if required(outcome).done:
        from uscl.data.store import FrameStore
        from uscl.evaluate.features import frozen_features
        from uscl.models.checkpoint import load_encoder
        from uscl.training.device import start

        fabric = start(params.device, params.precision, params.threads)
        encoder = load_encoder(trained_encoder(outcome))
    for store, out in zip(params.stores, snakemake.output, strict=True):
        features = frozen_features(encoder, FrameStore.open(Path(store)), fabric) if encoder else np.zeros((0, 0))
        with written(Path(out)) as path:
            np.save(path, features)
