"""The registry of regimes: how an encoder is evaluated on a task.

The workflow reads the registry whenever it plans a study, so the fitting code is imported only when it is needed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from uscl.base.errors import UserError


class Regime(NamedTuple):
    """How an encoder is evaluated.

    `fits` names a function `module:function` for each kind of task that the regime is for. A regime that `trains` the
    encoder is called with `(encoder, store, cases, fold, fabric, *, stream, **finetune settings)`; another is called
    with `(features, cases, fold)`. Both return the predictions of the test part and a history, and give their model
    (`uscl.models.model_file.FittedModel`) to the argument `keep`, unless it is None. For classification, they scale
    probabilities if the argument `temperature_scaling` is true.
    """

    name: str
    title: str
    fits: Mapping[str, str]
    trains: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of task that the regime is for."""
        return tuple(self.fits)


REGIMES = {
    regime.name: regime
    for regime in (
        Regime(
            "finetune",
            "all layers are fine-tuned",
            {
                "classification": "uscl.evaluate.classification:all_layers",
                "segmentation": "uscl.evaluate.segmentation:all_layers",
            },
            trains=True,
        ),
        Regime(
            "last_block",
            "the encoder's last block and the head are fine-tuned",
            {
                "classification": "uscl.evaluate.classification:last_block",
                "segmentation": "uscl.evaluate.segmentation:last_block",
            },
            trains=True,
        ),
        Regime(
            "linear",
            "logistic regression on frozen features",
            {"classification": "uscl.evaluate.linear:fit"},
            trains=False,
        ),
        Regime(
            "knn",
            "nearest neighbours of frozen features",
            {"classification": "uscl.evaluate.knn:fit"},
            trains=False,
        ),
    )
}


def fit_of(regime: str, kind: str) -> str:
    """The function of a regime, as `module:function`. Raises UserError for an unknown regime or kind."""
    if regime not in REGIMES:
        raise UserError(f"There is no regime '{regime}': choose one of {', '.join(REGIMES)}.")
    if kind not in REGIMES[regime].fits:
        raise UserError(f"The regime {regime} is not for {kind}: it is for {' and '.join(REGIMES[regime].kinds)}.")
    return REGIMES[regime].fits[kind]
