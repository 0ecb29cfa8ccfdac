"""Bring the features that a file gives for a data set into the form of our own."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import numpy as np

    from uscl.base.files import written
    from uscl.data.manifest import read_manifest
    from uscl.data.splits import read_folds
    from uscl.evaluate.given_features import given_features

    given, params = snakemake.input, snakemake.params
    manifests = zip(params.datasets, given.manifests, strict=True)
    cases = {name: read_manifest(Path(path))["case"] for name, path in manifests}
    needed = {case for path in given.splits for case in read_folds(Path(path))[0]["case"]}
    features = given_features(Path(params.file).expanduser(), snakemake.wildcards.dataset, cases, sorted(needed))
    with written(Path(snakemake.output.features)) as path:
        np.save(path, features)
