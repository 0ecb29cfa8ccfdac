import math

import pytest
import torch

from uscl.pretrain.engine.schedule import constant_and_cosine, warmup_and_cosine


@pytest.mark.parametrize(
    ("epoch", "ratio"),
    [
        (0, 0.1 + 0.9 * math.exp(-5)),
        (5, 0.1 + 0.9 * math.exp(-1.25)),
        (10, 1.0),
        (155, 0.5),
        (299, 0.5 * (1 + math.cos(math.pi * 289 / 290))),
    ],
)
def test_the_published_schedule(epoch, ratio):
    assert warmup_and_cosine(0.1, epoch, 300) == pytest.approx(0.1 * ratio)


def test_it_rises_then_falls():
    rates = [warmup_and_cosine(1.0, epoch, 40) for epoch in range(40)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_studies_shorter_than_the_warm_up_and_without_one():
    assert warmup_and_cosine(1.0, 3, epochs=4) == pytest.approx(0.1 + 0.9 * math.exp(-5 * 0.49))
    assert warmup_and_cosine(1.0, 0, epochs=10, warmup=0) == 1.0
    assert warmup_and_cosine(1.0, 10, epochs=10) == 1.0


@pytest.mark.parametrize(
    ("epoch", "ratio"), [(0, 1.0), (10, 1.0), (11, 0.5 * (1 + math.cos(math.pi / 300))), (160, 0.5)]
)
def test_uscls_rate_is_constant_for_eleven_epochs_before_its_cosine(epoch, ratio):
    assert constant_and_cosine(3e-4, epoch, 300) == pytest.approx(3e-4 * ratio)


def test_uscls_rates_are_those_of_torchs_scheduler_that_waits():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], 3e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    rates = []
    for epoch in range(40):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if epoch >= 10:
            scheduler.step()
    assert [constant_and_cosine(3e-4, epoch, 40) for epoch in range(40)] == pytest.approx(rates)
