"""Perceptual hashes of all frames of a data set."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.arrays import write_arrays
    from uscl.audit.hashes import hash_frames
    from uscl.data.store import FrameStore

    store = FrameStore.open(Path(snakemake.input.frames).parent)
    store.check_pixels()  # here, because all frames are read anyway and none is trained on yet
    write_arrays(hash_frames(store.frames), Path(snakemake.output.hashes))
