import logging

import pytest

from uscl.pretrain.engine.published import published_budget
from uscl.pretrain.engine.schedule import warmup_and_cosine
from uscl.pretrain.methods.simclr import SimCLR


@pytest.mark.parametrize(
    ("epochs", "given", "warmup"),
    [
        (300, {}, 10),
        (100, {}, 10),
        (99, {}, 9),
        (3, {}, 0),
        (3, {"warmup_epochs": 2}, 2),
        (30, {"warmup_epochs": 10}, 10),
    ],
)
def test_the_warm_up_takes_a_tenth_of_a_short_training_unless_it_is_set(epochs, given, warmup, caplog):
    settings = SimCLR(epochs=epochs, **given)
    with caplog.at_level(logging.INFO):
        budget = published_budget(settings)
    rates = [warmup_and_cosine(settings.lr, epoch, epochs, warmup) for epoch in range(epochs)]
    assert [budget.rate(epoch) for epoch in range(epochs)] == rates
    assert rates[warmup] == settings.lr
    shrunk = [
        f"The warm-up takes {warmup} of {epochs} epochs instead of 10, because the budget is short;"
        " `warmup_epochs` sets it."
    ]
    assert caplog.messages == (shrunk if warmup < 10 and not given else [])
