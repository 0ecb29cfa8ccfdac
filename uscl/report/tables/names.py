"""What regimes and groups are called for readers; metrics have their titles in `uscl.metrics.registry`."""

MARK = "†"

GROUPS = "patients (else videos, else images)"  # what draws and swaps take as a whole

REGIMES = {
    "finetune": "all layers are trained",
    "last_block": "the encoder's last block and the head are trained",
    "linear": "logistic regression on frozen features",
    "knn": "nearest neighbours of frozen features",
}
