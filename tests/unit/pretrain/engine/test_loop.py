import logging
import math
import os
import random
import signal
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from trained import trained

from uscl.base.errors import UserError
from uscl.jobs import interruption
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine import collapse as health
from uscl.pretrain.engine import loop
from uscl.pretrain.engine.loop import Budget, Step, Training, fit
from uscl.pretrain.engine.schedule import warmup_and_cosine
from uscl.pretrain.methods import (
    barlow_twins,
    byol,
    meta_uscl,
    methods,
    moco_v2,
    simclr,
    simsiam,
    supervised,
    uscl,
    vicreg,
)
from uscl.pretrain.pairs.pairs import Videos, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.training.device import start
from uscl.training.losses import Levels, nt_xent_per_view


def rate(epoch):
    return warmup_and_cosine(0.1, epoch, 3, 2)


BUDGET = Budget(3, 2, rate)
ALONE = SimpleNamespace(is_global_zero=True, world_size=1, to_device=lambda step: step)
STEPS = 3  # an epoch


@pytest.fixture(autouse=True)
def _signals_as_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    interruption.listen()  # forgets earlier signals
    for number, handler in before.items():
        signal.signal(number, handler)


class Recorded(Training):
    """Six videos, three steps per epoch, and a record of what the steps see."""

    def __init__(self, encoder=None):
        store = bright_or_dark_store(groups=6)
        self.videos = Videos(store.manifest)
        self.frames = torch.from_numpy(store.frames).unsqueeze(1) / 255
        self.places, self.rates, self.steps, self.batches = [], [], [], []
        model = ContrastiveModel(encoder or TinyEncoder(), 0)
        super().__init__(
            model,
            torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9),
            draw=lambda rng: one_frame(self.videos, rng.permutation(6), rng),
            step=self.take,
            validate=lambda: {"validation_loss": float(len(self.places))},
            levels=lambda pairs: Levels(10.0 * pairs, 1.0 * pairs),
            name_inputs=lambda batch: f"rows {batch.rows[:, 0].tolist()}",
        )

    def take(self, batch, place):
        h, z = self.model(self.frames[torch.from_numpy(batch.rows[:, :2].T.flatten())])
        loss = nt_xent_per_view(*z.chunk(2)).mean()
        gradients = torch.autograd.grad(loss, list(self.model.parameters()))
        # A figure of every other step, and weights.
        more = {"odd_number": torch.tensor(float(place.total))} if place.total % 2 else {}
        weights = torch.linspace(0.2, 0.4, len(batch.rows))
        step = Step(loss.detach(), gradients, h.detach().chunk(2), z.detach().chunk(2), weights, more)
        self.places.append(place)
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        self.batches.append(batch.rows.tolist())
        self.steps.append(step)
        return step


def norm(step):
    return torch.cat([slope.flatten() for slope in step.gradients]).norm().item()


def same_state(a, b):
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def test_the_movement_is_the_relative_distance_of_the_encoders_weights_from_their_start():
    training = Recorded()
    before = torch.cat([weight.detach().flatten().clone() for weight in training.model.encoder.parameters()])
    rate = {"epochs": 2, "batch_size": 2, "rate": lambda epoch: 0.1}
    history = fit(training, ALONE, 0, Budget(**rate))
    after = torch.cat([weight.detach().flatten() for weight in training.model.encoder.parameters()])
    assert history["movement"].iloc[-1] == pytest.approx(((after - before).norm() / before.norm()).item(), rel=1e-5)
    assert history["movement"].iloc[-1] > 0
    still = fit(Recorded(), ALONE, 0, Budget(**rate | {"rate": lambda epoch: 0.0}))
    assert still["movement"].tolist() == [0, 0]


def test_the_history_has_each_epochs_means_and_health():
    training = Recorded()
    history = fit(training, ALONE, 0, BUDGET)
    assert list(history) == [
        *("epoch", "lr", "loss", "chance_loss", "ideal_loss", "odd_number", "rank", "alignment", "uniformity"),
        *(
            "weight_mean",
            "weight_sd",
            "weight_entropy",
            "weight_ess",
            "steps",
            "pairs",
            "images",
            "gradient_norm",
            "validation_loss",
            "movement",
            "start_loss",
        ),
    ]
    assert history["epoch"].tolist() == [0, 1, 2]
    assert history["lr"].tolist() == [warmup_and_cosine(0.1, epoch, 3, 2) for epoch in range(3)]
    assert history["steps"].tolist() == [STEPS] * 3
    assert history["pairs"].tolist() == [6, 6, 6]
    assert history["images"].tolist() == [12, 12, 12]
    assert history["odd_number"].tolist() == [1, 4, 7]  # of steps 1; 3 and 5; 7
    assert history["validation_loss"].tolist() == [3, 6, 9]  # after each epoch
    assert history["chance_loss"].tolist() == [20, 20, 20]  # batches of two
    assert history["ideal_loss"].tolist() == [2, 2, 2]
    assert history["start_loss"].tolist() == [training.steps[0].loss.item()] * 3
    for epoch, row in history.iterrows():
        steps = training.steps[STEPS * epoch : STEPS * (epoch + 1)]
        assert row["loss"] == pytest.approx(sum(step.loss.item() for step in steps) / STEPS)
        assert row["gradient_norm"] == pytest.approx(sum(norm(step) for step in steps) / STEPS)
        h = torch.cat([step.h[view] for view in (0, 1) for step in steps])
        z1, z2 = (torch.cat([step.z[view] for step in steps]) for view in (0, 1))
        weights = torch.cat([step.weights for step in steps])
        expected = health.representation_health(h, z1, z2) | health.weight_health(weights)
        assert row[list(expected)].to_dict() == pytest.approx(expected)


def test_every_epoch_draws_all_pairs_again_and_continues_the_step_count():
    training = Recorded()
    fit(training, ALONE, 0, BUDGET)
    assert training.places == [(number // 3, number % 3, number) for number in range(9)]
    assert training.rates == [warmup_and_cosine(0.1, number // 3, 3, 2) for number in range(9)]
    drawn = [training.batches[STEPS * epoch : STEPS * (epoch + 1)] for epoch in range(3)]
    for batches in drawn:
        rows = [pair[0] for batch in batches for pair in batch]
        assert sorted(training.videos.of_row[rows]) == list(range(6))
    assert drawn[0] != drawn[1] != drawn[2]


def test_the_weights_move_by_the_steps_gradients_alone():
    training, expected = Recorded(), Recorded()
    for parameter in training.model.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)  # of somebody else
    fit(training, ALONE, 0, BUDGET)
    optimizer = torch.optim.SGD(expected.model.parameters(), lr=0.0, momentum=0.9)
    for rate, step in zip(training.rates, training.steps, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        for parameter, slope in zip(expected.model.parameters(), step.gradients, strict=True):
            parameter.grad = slope
        optimizer.step()
    assert same_state(dict(training.model.named_parameters()), dict(expected.model.named_parameters()))


BROKEN = {
    "loss": lambda step: step._replace(loss=torch.tensor(math.nan)),
    "gradient norm": lambda step: step._replace(gradients=[*step.gradients[:-1], step.gradients[-1] * math.inf]),
    "meta loss": lambda step: step._replace(more={"meta_loss": torch.tensor(math.inf)}),
}


@pytest.mark.parametrize("figure", BROKEN)
def test_a_loss_that_is_not_finite_stops_and_names_the_place(figure, tmp_path):
    training = Recorded()
    seen = {}

    def step(batch, place):
        found = training.take(batch, place)
        if place != (1, 1, 4):
            return found
        seen.update({name: parameter.clone() for name, parameter in training.model.named_parameters()})
        return BROKEN[figure](found)

    training.step = step
    with pytest.raises(UserError) as raised:
        fit(training, ALONE, 0, BUDGET, folder=tmp_path, identity="a")
    where = rf"in epoch 2, step 2, on rows {[pair[0] for pair in training.batches[-1]]}: lower the learning rate `lr`"
    assert str(raised.value).startswith(f"The {figure} became ")
    assert where in str(raised.value)
    assert same_state(dict(training.model.named_parameters()), seen)
    # The checkpoint is that of the epoch before, and a repaired training resumes from it.
    repaired, whole = Recorded(), Recorded()
    fit(repaired, ALONE, 0, BUDGET, folder=tmp_path, identity="a")
    fit(whole, ALONE, 0, BUDGET)
    assert repaired.places == whole.places[STEPS:]
    assert same_state(repaired.model.state_dict(), whole.model.state_dict())


METHODS = {
    "simclr": (simclr, {"lr": 0.05}),
    "supervised": (supervised, {"lr": 0.05}),
    "uscl": (uscl, {"lr": 3e-3}),
    "published, every second step": (meta_uscl, {"lr": 0.05, "meta": {"every": 2, "lr": 0.1}}),
    "lookahead": (meta_uscl, {"lr": 0.05, "meta": {"update": "lookahead", "lr": 0.1}}),
    "moco_v2": (moco_v2, {"lr": 0.05, "queue": 7, "target_momentum": 0.5}),
    "byol": (byol, {"lr": 0.05, "target_momentum": 0.5}),
    "simsiam": (simsiam, {"lr": 0.05}),
    "barlow_twins": (barlow_twins, {"lr": 0.005}),
    "vicreg": (vicreg, {"lr": 0.005}),
}


def pretrain(name, **more):
    method, settings = METHODS[name]
    given = {"epochs": 3, "batch_size": 2, "warmup_epochs": 1, "validation_share": 0.2} | settings | more
    fabric = start("cpu", "32-true", threads=1)
    return trained(method, TinyEncoder(), bright_or_dark_store(groups=10), fabric, 0, **given)


def test_every_method_that_trains_is_tested_here():
    assert {method.METHOD.name for method, _ in METHODS.values()} == {
        name for name, method in methods().items() if method.trains
    }


@cache
def uninterrupted(name):
    """The whole training that the tests below compare with; read-only."""
    return pretrain(name)


@pytest.mark.parametrize("name", METHODS)
def test_an_interrupted_training_resumes_and_ends_with_the_same_bits(name, tmp_path, monkeypatch):
    whole = uninterrupted(name)
    steps = len(whole.parts[whole.parts["part"] == "train"]) // 2
    checked, left = loop.checked, random.Random(name).randrange(steps, 3 * steps)

    def cut_off(*args):
        nonlocal left
        if left == 0:
            raise InterruptedError
        left -= 1
        return checked(*args)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "checked", cut_off)
        with pytest.raises(InterruptedError):
            pretrain(name, folder=tmp_path, identity="a")
    resumed = pretrain(name, folder=tmp_path, identity="a")
    assert any(name.endswith("running_var") for name in whole.encoder.state_dict())
    assert same_state(resumed.encoder.state_dict(), whole.encoder.state_dict())
    assert same_state(resumed.heads, whole.heads)
    for table in ("history", "parts", "pairs"):
        pd.testing.assert_frame_equal(getattr(resumed, table), getattr(whole, table), check_exact=True)
    # A result that isn't the starting point.
    assert not same_state(dict(whole.encoder.named_parameters()), dict(TinyEncoder().named_parameters()))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("moment", ["step", "validation"])
def test_a_training_stopped_by_a_signal_does_no_step_twice(name, moment, tmp_path, monkeypatch):
    done, checked, validation = [], loop.checked, Pool.validation

    def signal_in_a_step(step, training, batch, place):
        done.append(place.total)
        if moment == "step" and place.total == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return checked(step, training, batch, place)

    def signal_in_validation(*args, **more):
        if moment == "validation" and done[-1] >= stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return validation(*args, **more)

    whole = uninterrupted(name)
    steps = len(whole.parts[whole.parts["part"] == "train"]) // 2
    stop_at = random.Random(name).randrange(1, 3 * steps - 1)
    monkeypatch.setattr(loop, "checked", signal_in_a_step)
    monkeypatch.setattr(Pool, "validation", signal_in_validation)
    interruption.listen()
    with pytest.raises(interruption.Interrupted, match=r"^SIGTERM; the checkpoint is at epoch \d, step \d$"):
        pretrain(name, folder=tmp_path, identity="a")
    interruption.listen()
    stop_at = 3 * steps
    resumed = pretrain(name, folder=tmp_path, identity="a")
    assert done == list(range(3 * steps))
    assert same_state(resumed.encoder.state_dict(), whole.encoder.state_dict())
    assert same_state(resumed.heads, whole.heads)
    for table in ("history", "parts", "pairs"):
        pd.testing.assert_frame_equal(getattr(resumed, table), getattr(whole, table), check_exact=True)


@pytest.mark.parametrize("name", METHODS)
def test_the_start_loss_is_that_of_the_weights_that_training_starts_from(name):
    # With one step and a rate of 0, the epoch's loss is that of the starting weights.
    history = uninterrupted(name).history
    still = pretrain(name, lr=0.0, epochs=1, batch_size=32).history
    moved = pretrain(name, epochs=2, batch_size=32, warmup_epochs=0).history
    assert history["start_loss"].nunique() == 1
    compared = "contrastive_loss" if name == "uscl" else "loss"
    assert still["start_loss"].item() == still[compared].item()
    # The published order weights the first batch by a net that has seen a virtual step, which depends on the rate.
    assert moved["start_loss"].tolist() == [pytest.approx(still[compared].item(), rel=1e-3)] * 2
    assert abs(moved[compared].iloc[1] - still[compared].item()) > 1e-2


def test_a_finished_training_is_not_trained_again(tmp_path):
    first, again = Recorded(), Recorded()
    history = fit(first, ALONE, 0, BUDGET, folder=tmp_path, identity="a")
    pd.testing.assert_frame_equal(fit(again, ALONE, 0, BUDGET, folder=tmp_path, identity="a"), history)
    assert again.places == []
    assert same_state(again.model.state_dict(), first.model.state_dict())
    assert again.seconds == first.seconds > 0


def test_the_live_history_has_the_epochs_so_far_also_after_a_restart(tmp_path):
    history = tmp_path / "history.csv"
    first = fit(Recorded(), ALONE, 0, BUDGET._replace(epochs=1), folder=tmp_path, identity="a")
    pd.testing.assert_frame_equal(pd.read_csv(history), first, check_exact=True)
    history.write_text("epoch,loss\n0,7\n1,7\n2,7\n")  # as if later epochs had not reached a checkpoint
    whole = fit(Recorded(), ALONE, 0, BUDGET, folder=tmp_path, identity="a")
    pd.testing.assert_frame_equal(pd.read_csv(history), whole, check_exact=True)


def test_seconds_of_training_before_a_restart_count(tmp_path):
    fit(Recorded(), ALONE, 0, BUDGET._replace(epochs=1), folder=tmp_path, identity="a")
    first, going_on = Recorded(), Recorded()
    fit(first, ALONE, 0, BUDGET._replace(epochs=1), folder=tmp_path, identity="a")
    fit(going_on, ALONE, 0, BUDGET, folder=tmp_path, identity="a")
    assert going_on.seconds > first.seconds > 0
    assert going_on.cpu_seconds > first.cpu_seconds > 0


def test_checkpoints_of_other_settings_data_or_code_are_not_used(tmp_path):
    fit(Recorded(), ALONE, 0, BUDGET, folder=tmp_path, identity="other")
    training, expected = Recorded(), Recorded()
    fit(training, ALONE, 0, BUDGET, folder=tmp_path, identity="this")
    fit(expected, ALONE, 0, BUDGET)
    assert len(training.places) == 3 * STEPS
    assert same_state(training.model.state_dict(), expected.model.state_dict())


def test_without_a_folder_nothing_is_kept_and_of_several_processes_only_the_first_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(Recorded(), ALONE, 0, BUDGET)
    fit(
        Recorded(),
        SimpleNamespace(is_global_zero=False, world_size=1),
        0,
        BUDGET,
        folder=tmp_path / "kept",
        identity="a",
    )
    assert list(tmp_path.iterdir()) == []


def test_a_collapse_is_reported_once(caplog):
    encoder = TinyEncoder()
    torch.nn.init.zeros_(encoder.backbone[4].weight)
    training = Recorded(encoder)
    with caplog.at_level(logging.WARNING):
        history = fit(training, ALONE, 0, BUDGET._replace(rate=lambda epoch: 1e-30))
    assert (history["rank"] < health.LOWEST_RANK).all()
    reported = [record.getMessage() for record in caplog.records if "representations collapse" in record.getMessage()]
    assert len(reported) == 1
    assert reported[0].startswith("Epoch 1: ")


def test_a_healthy_training_gives_no_warning(caplog):
    with caplog.at_level(logging.WARNING):
        fit(Recorded(), ALONE, 0, BUDGET)
    assert caplog.records == []
