"""How the validation part chooses: an epoch of fine-tuning, the setting of a probe."""

from collections.abc import Mapping


def rank(row: Mapping[str, float]) -> tuple[float, float]:
    """What makes one row of a history better than another: the score, then the lower loss; of equal rows the first."""
    return row["validation_score"], -row["validation_loss"]
