"""The health of a contrastive pretraining: figures of its representations and weights, and warnings of a collapse.

Pure functions of values that the training steps of an epoch compute anyway.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from uscl.pretrain.engine.learned import FLATTEST

LOWEST_RANK = 1.5  # effective dimensions; 1 is a single direction
SATURATED = 0.01  # distance of the mean weight from 0 or 1, where the slope of a sigmoid is almost zero
FEWEST = 0.1  # effective share of the pairs


def rank_me(h: Tensor) -> float:
    """RankMe, the effective rank of representations [n, dim]: exp of the entropy of their normalised singular values.

    Between 1 and min(n, dim) (Garrido et al., ICML 2023, arXiv 2210.02885, eq. 1). All zero: 0.
    """
    spectrum = torch.linalg.svdvals(h.float())
    if spectrum.sum() == 0:
        return 0.0
    share = spectrum / spectrum.sum()
    return torch.special.entr(share).sum().exp().item()


def alignment(z1: Tensor, z2: Tensor) -> float:
    """Mean squared distance between the two views' normalised projections [pairs, dim]; 0 to 4, small is aligned.

    Wang and Isola, ICML 2020, arXiv 2005.10242, alpha = 2.
    """
    return (F.normalize(z1.float(), dim=1) - F.normalize(z2.float(), dim=1)).square().sum(1).mean().item()


def uniformity(z: Tensor) -> float:
    """log of the mean Gaussian potential exp(-2 d^2) of all pairs of normalised projections [n, dim].

    From -4 or so (spread over the sphere) to 0 (all the same). Wang and Isola, arXiv 2005.10242, t = 2.
    """
    z = F.normalize(z.float(), dim=1)
    if len(z) < 2:
        return 0.0
    return F.pdist(z).square().mul(-2).exp().mean().log().item()


def representation_health(h: Tensor, z1: Tensor, z2: Tensor) -> dict[str, float]:
    """`rank` of the representations [n, dim]; `alignment` and `uniformity` of the two views' projections."""
    return {"rank": rank_me(h), "alignment": alignment(z1, z2), "uniformity": uniformity(z1)}


def weight_health(weights: Tensor) -> dict[str, float]:
    """Mean, standard deviation (n - 1), entropy and effective sample size of weights [pairs].

    `weight_entropy` is that of the normalised weights, relative to the largest possible: 1 if all are equal.
    `weight_ess` is (sum w)^2 / sum w^2, in pairs (Kish).
    """
    w = weights.double()
    share = w / w.sum()
    longest = torch.log(torch.tensor(float(len(w)))).clamp(min=1e-9)
    return {
        "weight_mean": w.mean().item(),
        "weight_sd": w.std().item() if len(w) > 1 else 0.0,
        "weight_entropy": (torch.special.entr(share).sum() / longest).item(),
        "weight_ess": (w.sum().square() / w.square().sum()).item(),
    }


def warnings(figures: dict[str, float], pairs: int) -> dict[str, str]:
    """What is wrong with an epoch of `pairs` pairs: one sentence per kind of fault."""
    found = {}
    if figures["rank"] < LOWEST_RANK or figures["uniformity"] > FLATTEST:
        found["representations"] = (
            f"the representations collapse (effective rank {figures['rank']:.2f}, uniformity"
            f" {figures['uniformity']:.3f}): lower `lr`, lengthen the warm-up or enlarge `batch_size`"
        )
    if "meta_loss" not in figures:
        return found  # weights that aren't learned may take any values
    mean, effective = figures["weight_mean"], figures["weight_ess"] / pairs
    if not SATURATED < mean < 1 - SATURATED:
        found["saturation"] = (
            f"the weights saturate (mean {mean:.4f}) and have almost stopped learning: lower `meta.lr`"
        )
    if effective < FEWEST:
        found["concentration"] = (
            f"few pairs carry all the weight ({100 * effective:.0f} % of them count effectively): lower `meta.lr`"
        )
    return found
