"""CMW-Net: one weight per sample pair, from the representations of its two views."""

import torch
from torch import Tensor, nn


class WeightNet(nn.Module):
    """w = sigmoid(V2 relu(V1 [h1 ; h2] + b1) + b2): 2 `dim` -> `hidden` -> 1 (CMW-Net, arXiv 2212.04097).

    `forward` takes the representations [pairs, dim] of the first and of the second views and returns weights [pairs] in
    (0, 1).
    """

    def __init__(self, dim: int, hidden: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, h1: Tensor, h2: Tensor) -> Tensor:
        return self.layers(torch.cat([h1, h2], dim=1)).squeeze(1).sigmoid()


def path_of(net: WeightNet, start: WeightNet, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """How far the net has moved from its `start`: `alpha_distance`, the largest change of any parameter.

    `alpha_bound` is about the most that Adam can have moved one: its learning rate times the number of its steps.
    """
    changes = [(now - then).abs().max() for now, then in zip(net.parameters(), start.parameters(), strict=True)]
    (group,) = optimizer.param_groups
    steps = max((float(state["step"]) for state in optimizer.state.values()), default=0.0)
    return {"alpha_distance": torch.stack(changes).max().item(), "alpha_bound": group["lr"] * steps}
