import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from trained import trained

from uscl.base.errors import UserError
from uscl.pretrain.methods import simclr
from uscl.training.device import start


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


def pretrain(fabric, encoder=None, seed=0, groups=8, **settings):
    given = {"epochs": 2, "batch_size": 3, "warmup_epochs": 0, "lr": 0.05, "shares": (0.1, 0.0)} | settings
    return trained(simclr, encoder or TinyEncoder(), bright_or_dark_store(groups=groups), fabric, seed, **given)


def same(a, b):
    return all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def test_pretraining_lowers_the_loss(fabric):
    encoder = TinyEncoder()
    result = pretrain(fabric, encoder, seed=2, groups=24, epochs=12, batch_size=8, lr=0.1)
    assert result.encoder is encoder
    assert not encoder.training
    assert result.history["loss"][-3:].mean() < result.history["loss"][:3].mean()
    assert result.history["validation_loss"][11] < result.history["validation_loss"][0]


@pytest.mark.parametrize("pairs", ["frame", "ppi"])
def test_runs_repeat_bit_by_bit_and_seeds_differ(fabric, pairs):
    first, again, other = (pretrain(fabric, seed=seed, pairs=pairs) for seed in (0, 0, 1))
    assert same(first.encoder.state_dict(), again.encoder.state_dict())
    assert same(first.heads, again.heads)
    assert first.history.equals(again.history)
    assert first.pairs.equals(again.pairs)
    assert not same(first.encoder.state_dict(), other.encoder.state_dict())
    assert not first.history["loss"].equals(other.history["loss"])


def test_it_starts_from_the_encoder_that_it_is_given(fabric):
    for start_seed in (0, 1):
        given = TinyEncoder(start_seed)
        result = pretrain(fabric, given, lr=0.0)
        assert same(dict(TinyEncoder(start_seed).named_parameters()), dict(result.encoder.named_parameters()))
        # BatchNorm has seen ultrasound nevertheless.
        assert not torch.equal(given.backbone[1].running_mean, torch.zeros(4))


def test_frame_pairs_are_of_one_frame_and_ppi_pairs_of_three(fabric):
    frame, ppi = (pretrain(fabric, pairs=pairs, epochs=1).pairs for pairs in ("frame", "ppi"))
    assert (frame["row_a"] == frame["row_b"]).all()
    assert (frame["distance"] == 0).all()
    assert (ppi["row_a"] < ppi["row_b"]).all()
    assert (ppi["row_b"] < ppi["row_c"]).all()
    assert (ppi["distance"] > 0).all()
    assert set(frame["weight"]) == set(ppi["weight"]) == {1.0}


def test_the_largest_distance_of_ppi_pairs_is_kept(fabric):
    store = bright_or_dark_store(groups=8, frames=9)
    settings = {"epochs": 1, "batch_size": 4, "pairs": "ppi"}
    near = trained(simclr, TinyEncoder(), store, fabric, 0, max_dist=3, **settings).pairs
    far = trained(simclr, TinyEncoder(), store, fabric, 0, **settings).pairs
    assert (near["row_c"] - near["row_a"]).max() <= 3 < (far["row_c"] - far["row_a"]).max()


def test_the_validation_videos_are_not_trained_on(fabric):
    store = bright_or_dark_store(groups=8)
    parts = pretrain(fabric).parts
    assert set(parts["part"]) == {"train", "validation"}
    held_out = store.manifest["video"].isin(parts["video"][parts["part"] == "validation"])
    assert held_out.any()
    store.frames[held_out] = 0
    result = trained(
        simclr, TinyEncoder(), store, fabric, 0, shares=(0.1, 0.0), epochs=2, batch_size=3, warmup_epochs=0, lr=0.05
    )
    assert same(result.encoder.state_dict(), pretrain(fabric).encoder.state_dict())
    assert not result.history["validation_loss"].equals(pretrain(fabric).history["validation_loss"])


@pytest.mark.parametrize("settings", [{"temperature": 0.1}, {"momentum": 0.0}, {"weight_decay": 0.1}, {"lr": 0.01}])
def test_every_setting_matters(fabric, settings):
    assert not same(pretrain(fabric).heads, pretrain(fabric, **settings).heads)


def test_a_loss_that_is_not_finite_stops_and_names_the_place(fabric):
    with pytest.raises(UserError, match=r"became \w+ in epoch \d+, step \d+, on v\d+#\d, .*: lower the learning rate"):
        pretrain(fabric, epochs=5, lr=1e30)


def test_the_last_epoch_is_exported_even_if_an_earlier_one_was_better(fabric, monkeypatch):
    after_epochs, losses = [], iter([1.0, 0.5, 2.0, 3.0])

    def validation(self, model, *rest):
        after_epochs.append({name: tensor.clone() for name, tensor in model.encoder.state_dict().items()})
        return {"validation_loss": next(losses)}

    monkeypatch.setattr("uscl.pretrain.pairs.pool.Pool.validation", validation)
    exported = pretrain(fabric, epochs=4).encoder.state_dict()
    assert [same(exported, state) for state in after_epochs] == [False, False, False, True]
