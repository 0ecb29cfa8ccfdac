"""The two views of every pair, from the frame store to an augmented batch on the training device.

Frames are mixed and augmented batch by batch. Each batch has its own stream of random numbers, and every process draws
them for the whole batch, so neither the number of processes nor a restart changes them.
"""

from typing import cast

import torch
from kornia.augmentation.container.params import ParamItem
from lightning_fabric import Fabric
from torch import Tensor

from uscl.base.seeds import torch_stream
from uscl.data.store import FrameStore
from uscl.pretrain.pairs.pairs import Pairs
from uscl.training.augment import META_USCL, ViewStyle, as_float, contrastive
from uscl.training.parallel import own

Stream = tuple[int, str, *tuple[int, ...]]
# What kornia draws once per batch, not once per sample.
FOR_ALL = ("order", "forward_input_shape")


class Views:
    """Makes the views of pairs from one store; with several processes, each makes those of its own pairs."""

    def __init__(self, pool: FrameStore, fabric: Fabric, style: ViewStyle = META_USCL) -> None:
        self._frames = pool.frames
        self._fabric = fabric
        self._augmentation = contrastive(pool.frames.shape[1], style).to(fabric.device)

    def mixed_first(self, pairs: Pairs, stream: Stream) -> Tensor:
        """Mix the raw pixels, then augment each view: [2 * own pairs, 1, size, size], all first views first."""
        count, mine = len(pairs.rows), own(self._fabric, len(pairs.rows))
        return self._augmented(self._mixed(self._three(pairs, mine), pairs, mine), 2, count, mine, stream)

    def augmented_first(self, pairs: Pairs, stream: Stream) -> Tensor:
        """Augment the three frames, then mix them: [2 * own pairs, 1, size, size], all first views first."""
        count, mine = len(pairs.rows), own(self._fabric, len(pairs.rows))
        three = self._three(pairs, mine)
        flat = self._augmented(three.transpose(0, 1).flatten(0, 1).unsqueeze(1), 3, count, mine, stream)
        return self._mixed(flat.reshape(3, len(three), *three.shape[2:]).transpose(0, 1), pairs, mine)

    def _three(self, pairs: Pairs, mine: slice) -> Tensor:
        """The three frames of each pair, [pairs, 3, size, size] in [0, 1]."""
        frames = self._fabric.to_device(torch.from_numpy(self._frames[pairs.rows[mine]]))
        return as_float(frames).squeeze(1)

    def _mixed(self, three: Tensor, pairs: Pairs, mine: slice) -> Tensor:
        """Both views of each pair, mixed from the three frames by their shares."""
        shares = self._fabric.to_device(torch.tensor(pairs.shares[mine]))
        views = torch.bmm(shares, three.flatten(2)).unflatten(2, three.shape[2:])
        return views.transpose(0, 1).flatten(0, 1).unsqueeze(1)

    def _augmented(self, frames: Tensor, kinds: int, count: int, mine: slice, stream: Stream) -> Tensor:
        """`frames` [`kinds` * own pairs, 1, size, size] augmented according to their places in the whole batch."""
        with torch_stream(*stream):
            drawn = self._augmentation.forward_parameters(torch.Size((kinds * count, *frames.shape[1:])))
        places = torch.arange(kinds * count).view(kinds, count)[:, mine].flatten()
        return self._augmentation(frames, params=[part_of(item, places) for item in drawn])


def part_of(item: ParamItem, places: Tensor) -> ParamItem:
    """The parameters that one augmentation has drawn for some places of a batch."""
    drawn = cast(dict[str, Tensor], item.data)  # nested augmentations have lists
    return ParamItem(item.name, {k: value if k in FOR_ALL else value[places] for k, value in drawn.items()})
