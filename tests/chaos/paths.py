"""Where the smallest study's files are, from the project's folder or from its results: named here alone."""

RESULTS = "results"
TABLE = "results/table.csv"
CLAIMS = "results/claims.md"
DATABASE = "results/mlflow.db"
ARTIFACTS = "results/mlartifacts"
LOGGED = "results/tracking/logged.json"  # the mirror's note of what is in the store
BENCHMARKS = "results/benchmarks"  # a file for each finished job

# Within the results.
ENCODER = "encoders/meta_uscl/seed0"
IMAGENET = "encoders/imagenet/seed0"
CHECKPOINTS = "checkpoints/meta_uscl/seed0"
FRAMES = "frames/sim_lung"
FEATURES = "features/sim_lung/imagenet-seed0.npy"
LINEAR = "cells/pocus/linear/labels100/imagenet/seed0"
FINETUNE = "cells/pocus/finetune/labels100/meta_uscl/seed0"
OUTCOME = "outcome.json"  # in the folder of an encoder or a cell: what a run is asked for by
# What is the same bytes in every run of a study.
SAME = ("table.csv", "claims.csv", "cells/**/predictions.parquet", "encoders/**/*.safetensors")
# What belongs to the store, whose files name the folder that it was made in.
OF_STORE = ("mlflow.db*", "mlartifacts", "tracking")
