"""What a step of each arm's encoder costs on this machine, relative to the others: measured, since no count tells.

ResNet-18 takes four times the operations of EfficientNet-Lite0 and as much time.
"""

import time
from collections.abc import Mapping
from typing import Any

from uscl.checks.doctor.findings import Finding, note
from uscl.checks.doctor.weights import encoder_of
from uscl.checks.feasible.pretraining import all_settings, method_of

FRAMES = 8
FORWARD = 1 / 3  # of a step: what an arm costs that only takes BatchNorm's statistics
ENCODER = ("features", "finetune", "authors_protocol")  # rules whose jobs work with an encoder that is there

Input = tuple[str, int]  # architecture and side in pixels


def inputs_of(config: Mapping[str, Any]) -> dict[str, Input]:
    """The architecture and the input size of every arm that has an encoder."""
    return {
        arm: (encoder_of(config, arm), settings.get("input_size") or config["frame_size"])
        for arm, settings in config["methods"].items()
        if method_of(settings).encodes
    }


def measured(inputs: Mapping[str, Input]) -> dict[Input, float]:
    """Seconds of a step by architecture and size; nothing is measured if all arms have the same."""
    distinct = list(dict.fromkeys(inputs.values()))
    return {each: step_seconds(*each) for each in distinct} if len(distinct) > 1 else dict.fromkeys(distinct, 1.0)


def step_seconds(arch: str, size: int) -> float:
    """Seconds of a forward and a backward pass of a few random frames on one core, the second time."""
    import torch

    from uscl.models.encoder import Encoder

    torch.set_num_threads(1)
    encoder, frames = Encoder(arch, input_size=size).train(), torch.rand(FRAMES, 1, size, size)
    for _ in range(2):
        started = time.perf_counter()
        encoder(frames).sum().backward()
        taken = time.perf_counter() - started
    return taken


def weights(config: Mapping[str, Any], seconds: Mapping[Input, float]) -> dict[str, dict[str, float]]:
    """How much longer than others a job of an arm takes, by rule and arm; for rules whose jobs depend on it."""
    inputs = inputs_of(config)
    own = {arm: seconds[each] for arm, each in inputs.items()}
    trained = {}
    for arm in inputs:
        method, settings = method_of(config["methods"][arm]), all_settings(config["methods"][arm])
        if method.uses_pool:
            trained[arm] = own[arm] * settings.epochs * (method.step_cost or FORWARD)
    return {"pretrain": trained} | dict.fromkeys(ENCODER, own)


def cost_finding(seconds: Mapping[Input, float]) -> list[Finding]:
    """What was measured, if anything."""
    if len(seconds) < 2:
        return []
    cheapest = min(seconds.values())
    costs = ", ".join(
        f"{arch} at {size} px {value / cheapest:.1f}"
        for (arch, size), value in sorted(seconds.items(), key=lambda item: item[1])
    )
    return [note(f"The encoders differ in cost, measured here by a step of {FRAMES} frames on one core: {costs}.")]
