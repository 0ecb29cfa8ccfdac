"""Which of an encoder's weights a regime trains, and how the others stay as they are."""

from collections.abc import Iterable

from torch import nn

from uscl.models.encoders import encoder_spec


def freeze_below_last_block(backbone: nn.Module, arch: str, prefix: str = "") -> None:
    """Freeze a backbone except for its last block, whose tensors' names begin with `prefix`.

    This follows the released code of Meta-USCL, whose downstream runs train the last block and the head.
    """
    freeze_but(backbone, [prefix + name for name in encoder_spec(arch).last_block])


def freeze_but(module: nn.Module, trained: Iterable[str]) -> None:
    """Freeze every parameter whose name begins with none of `trained`. Raises ValueError if none is left to train."""
    names = tuple(trained)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name.startswith(names))
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError(f"no parameter of {type(module).__name__} begins with {' or '.join(names)}")


def train_what_is_free(model: nn.Module) -> None:
    """Training mode for `model`, evaluation mode for every layer in it whose own parameters are all frozen.

    A frozen BatchNorm in training mode would still take batch statistics and move its running ones.
    """
    model.train()
    for layer in model.modules():
        own = list(layer.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            layer.eval()
