import math

import pytest

from uscl.pretrain.engine.schedule import learning_rate


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
    assert learning_rate(0.1, epoch, 300) == pytest.approx(0.1 * ratio)


def test_it_rises_then_falls():
    rates = [learning_rate(1.0, epoch, 40) for epoch in range(40)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_studies_shorter_than_the_warm_up_and_without_one():
    assert learning_rate(1.0, 3, epochs=4) == pytest.approx(0.1 + 0.9 * math.exp(-5 * 0.49))
    assert learning_rate(1.0, 0, epochs=10, warmup=0) == 1.0
    assert learning_rate(1.0, 10, epochs=10) == 1.0
