"""Compute a frozen encoder's features of every frame of a data set; none if the encoder could not be trained."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import numpy as np

    from uscl.base.files import written
    from uscl.jobs.outcome import required

    outcome, features = Path(snakemake.input.encoder), np.zeros((0, 0), np.float32)
    if required(outcome).done:
        from uscl.data.store import FrameStore
        from uscl.evaluate.features import frozen_features
        from uscl.models.checkpoint import load_encoder
        from uscl.training.device import start

        fabric = start(snakemake.params.device, snakemake.params.precision, snakemake.threads)
        encoder = load_encoder(outcome.with_name("encoder.safetensors"))
        features = frozen_features(encoder, FrameStore.open(Path(snakemake.input.frames).parent), fabric)
    with written(Path(snakemake.output.features)) as path:
        np.save(path, features)
