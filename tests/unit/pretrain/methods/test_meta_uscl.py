from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stores import bright_or_dark_store
from tiny import TinyEncoder
from trained import trained

from uscl.base.errors import UserError
from uscl.pretrain.meta import pair_weights
from uscl.pretrain.meta.pair_weights import given_weights, meta_batch, oracle_weights
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.pretrain.methods import meta_uscl, simclr, supervised, uscl
from uscl.pretrain.pairs.pairs import Pairs, Videos
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.device import start

STEPS = 3  # an epoch: 10 groups, two of them for validation, two the meta set, batches of two


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


def pretrain(fabric, encoder=None, seed=0, frames=3, **settings):
    given = {"epochs": 2, "batch_size": 2, "warmup_epochs": 0, "lr": 0.05, "shares": (0.2, 0.2)} | settings
    store = bright_or_dark_store(groups=10, frames=frames)
    return trained(meta_uscl, encoder or TinyEncoder(), store, fabric, seed, **given)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


class Followed(WeightedStep):
    """Records what each step sees and does."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.alpha, self.learned, self.steps = [], [], []

    def _main(self, h, z, weigh, more):
        step = super()._main(h, z, weigh, more)
        self.seen(step)
        return step

    def lookahead(self, *batch):
        step = super().lookahead(*batch)
        self.seen(step)
        return step

    def seen(self, step):
        with torch.no_grad():
            self.learned.append(self.weight_net(*step.h))
        self.alpha.append(torch.nn.utils.parameters_to_vector(self.weight_net.parameters()).detach().clone())
        self.steps.append(step)

    def moved(self):
        """At which steps, except the first, alpha has moved."""
        return [number for number in range(1, len(self.alpha)) if not self.alpha[number].equal(self.alpha[number - 1])]


@pytest.fixture
def followed(monkeypatch):
    """The weighted steps of trainings; they skip the weighing of all pairs at the end, which no step sees."""
    made = []

    def make(*args, **kwargs):
        made.append(Followed(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr("uscl.pretrain.meta.weighted_step.WeightedStep", make)
    monkeypatch.setattr("uscl.pretrain.engine.pretrained.weighed_pairs", lambda *_: None)
    return made


@pytest.fixture(scope="module")
def usual(fabric):
    """An epoch with the usual settings; read-only."""
    return pretrain(fabric, epochs=1)


@pytest.mark.parametrize("update", ["published", "lookahead"])
def test_pretraining_lowers_the_loss(fabric, update):
    encoder = TinyEncoder()
    store = bright_or_dark_store(groups=24)
    settings = {"epochs": 8, "batch_size": 8, "lr": 0.1, "warmup_epochs": 0, "meta": {"update": update}}
    result = trained(meta_uscl, encoder, store, fabric, 2, **settings)
    assert result.encoder is encoder
    assert not encoder.training
    assert result.history["loss"][-3:].mean() < result.history["loss"][:3].mean()
    assert result.history["meta_loss"][-3:].mean() < result.history["meta_loss"][:3].mean()


@pytest.mark.parametrize("weights", ["learned", "shuffled"])
def test_runs_repeat_bit_by_bit_and_seeds_differ(fabric, weights):
    first, again, other = (pretrain(fabric, seed=seed, weights=weights, epochs=1) for seed in (0, 0, 1))
    assert same(first.encoder.state_dict(), again.encoder.state_dict())
    assert same(first.heads, again.heads)
    assert first.history.equals(again.history)
    assert first.pairs.equals(again.pairs)
    assert not same(first.encoder.state_dict(), other.encoder.state_dict())


def test_it_starts_from_the_encoder_that_it_is_given(fabric, monkeypatch):
    monkeypatch.setattr("uscl.pretrain.engine.pretrained.weighed_pairs", lambda *_: None)
    for start_seed in (0, 1):
        result = pretrain(fabric, TinyEncoder(start_seed), lr=0.0, epochs=1)
        assert same(dict(TinyEncoder(start_seed).named_parameters()), dict(result.encoder.named_parameters()))


def test_training_meta_set_and_validation_share_no_group(usual):
    parts = usual.parts
    assert parts["part"].value_counts().to_dict() == {"train": 6, "validation": 2, "meta": 2}
    assert (parts.groupby("group")["part"].nunique() == 1).all()


def test_the_history_has_the_figures_of_alpha_and_of_the_weights(fabric):
    history = pretrain(fabric).history
    assert {"meta_loss", "alpha_gradient_norm", "weight_mean", "weight_sd", "weight_ess"} <= set(history)
    assert history.notna().all(axis=None)
    given = pretrain(fabric, weights="temporal").history
    assert {"weight_mean", "weight_sd"} <= set(given)
    assert not {"meta_loss", "alpha_gradient_norm"} & set(given)


def test_the_heads_have_the_weight_net_if_it_has_learned(fabric):
    kinds = {
        w: {name.split(".")[0] for name in pretrain(fabric, epochs=1, weights=w).heads} for w in ("learned", "constant")
    }
    assert kinds == {"learned": {"projector", "weight_net"}, "constant": {"projector"}}


@pytest.mark.parametrize(
    ("update", "every", "moved"),
    [("published", 1, [1, 2, 3, 4, 5]), ("published", 2, [2, 4]), ("lookahead", 4, [4]), ("lookahead", 99, [])],
)
def test_alpha_moves_at_every_kth_step_counted_over_the_epochs(fabric, followed, update, every, moved):
    pretrain(fabric, meta={"every": every, "update": update})
    (take,) = followed
    assert len(take.steps) == 2 * STEPS
    assert take.moved() == moved
    assert [number for number, step in enumerate(take.steps) if step.more] == [0, *moved]


def test_the_published_order_trains_with_the_weights_after_alphas_step(fabric, followed):
    pretrain(fabric, epochs=1, meta={"lr": 0.1})
    (take,) = followed
    for step, learned in zip(take.steps, take.learned, strict=True):
        assert torch.equal(step.weights, learned)


def test_lookahead_trains_with_the_weights_before_alphas_step(fabric, followed):
    pretrain(fabric, epochs=1, meta={"lr": 0.1, "update": "lookahead"})
    (take,) = followed
    assert not any(torch.equal(step.weights, after) for step, after in zip(take.steps, take.learned, strict=True))


def test_shuffled_weights_are_the_learned_ones_in_another_order(fabric, followed):
    pretrain(fabric, weights="shuffled", batch_size=6, epochs=6, meta={"lr": 0.01})
    (take,) = followed
    moved = 0
    for step, learned in zip(take.steps, take.learned, strict=True):
        torch.testing.assert_close(step.weights.sort().values, learned.sort().values)
        moved += (step.weights - learned).abs().max() > 1e-6
    assert moved >= 5  # one order of 720 is the same
    # Alpha has learned nevertheless.
    assert take.moved() == [1, 2, 3, 4, 5]


def test_constant_weights_give_what_any_equal_weights_give(fabric, monkeypatch):
    ones = pretrain(fabric, weights="constant")
    monkeypatch.setattr(
        pair_weights, "given_weights", lambda pool, pairs, *_: np.full(len(pairs.rows), 0.5, np.float32)
    )
    assert same(pretrain(fabric, weights="constant").encoder.state_dict(), ones.encoder.state_dict())


@pytest.mark.parametrize("batchnorm", ["per_view", "joint"])
def test_constant_weights_are_simclr_on_interpolated_pairs(fabric, batchnorm):
    constant = pretrain(fabric, weights="constant", max_dist=2, frames=5, batchnorm=batchnorm)
    settings = {"epochs": 2, "batch_size": 2, "warmup_epochs": 0, "lr": 0.05, "shares": (0.2, 0.2)}
    store = bright_or_dark_store(groups=10, frames=5)
    given = settings | {"pairs": "ppi", "max_dist": 2, "batchnorm": batchnorm}
    unweighted = trained(simclr, TinyEncoder(), store, fabric, 0, **given)
    assert constant.parts.equals(unweighted.parts)
    assert same(constant.encoder.state_dict(), unweighted.encoder.state_dict())
    assert same(constant.heads, unweighted.heads)


def test_each_kind_of_weights_trains_another_encoder(fabric, monkeypatch):
    monkeypatch.setattr("uscl.pretrain.engine.pretrained.weighed_pairs", lambda *_: None)
    kinds = ("constant", "learned", "shuffled", "temporal")
    first_weights = [
        pretrain(fabric, weights=kind, frames=9, epochs=1).encoder.backbone[0].weight.flatten().tolist()
        for kind in kinds
    ]
    assert len({tuple(weights) for weights in first_weights}) == len(kinds)


def manifest_of(lengths):
    rows = [(f"v{v}", frame) for v, length in enumerate(lengths) for frame in range(length)]
    return pd.DataFrame(rows, columns=["video", "frame"])


@pytest.mark.parametrize(
    ("max_dist", "weights"), [(999, [5.5 / 8, 7.5 / 8, 1.0, 1 / 2]), (4, [2.5 / 5, 4.5 / 5, 1.0, 1 / 2])]
)
def test_temporal_weights_fall_with_the_distance_between_the_views(max_dist, weights):
    # Videos of 8, 8, 1 and 2 frames; their first rows are 0, 8, 16, 17.
    pool = SimpleNamespace(videos=Videos(manifest_of([8, 8, 1, 2])))
    rows = np.array([[0, 2, 4], [11, 12, 13], [16, 16, 16], [17, 17, 18]])
    shares = np.array(
        [
            [[0.75, 0.25, 0], [0, 0.5, 0.5]],  # at 0.5 and 3: 2.5 apart
            [[0.5, 0.5, 0], [0, 1.0, 0]],  # at 3.5 and 4: 0.5 apart
            [[1, 0, 0], [0, 0, 1]],  # one frame
            [[1, 0, 0], [0, 0, 1]],  # as far apart as can be
        ],
        np.float32,
    )
    found = given_weights(pool, Pairs(rows, shares), "temporal", max_dist)
    assert found.dtype == np.float32
    assert found == pytest.approx(weights)


def test_the_table_of_pairs_has_the_weights_that_the_trained_net_gives(fabric):
    learned = pretrain(fabric, meta={"lr": 0.05}).pairs
    assert learned["weight"].between(0, 1, inclusive="neither").all()
    assert learned["weight"].nunique() > 10
    temporal = pretrain(fabric, weights="temporal", frames=5).pairs
    assert temporal["weight"].to_numpy() == pytest.approx((4 - temporal["distance"].to_numpy() + 1) / 5, rel=1e-5)
    assert set(pretrain(fabric, weights="constant").pairs["weight"]) == {1.0}


def test_weighing_pairs_after_training_moves_no_statistics(usual, fabric, monkeypatch):
    monkeypatch.setattr("uscl.pretrain.engine.pretrained.weighed_pairs", lambda *_: None)
    assert same(usual.encoder.state_dict(), pretrain(fabric, epochs=1).encoder.state_dict())


def test_a_meta_batch_takes_any_frame_of_videos_of_the_meta_set_unmixed(fabric):
    pool = Pool(bright_or_dark_store(groups=20), fabric, 0, Shares(0.1, 0.3))
    seen, frames = set(), set()
    for number in range(20):
        batch = meta_batch(pool, 3, np.random.default_rng(number))
        frames |= set(pool.manifest["frame"].to_numpy()[batch.rows].flatten())
        videos = pool.videos.of_row[batch.rows]
        assert batch.rows.shape == (3, 3)
        assert len(set(videos[:, 0])) == 3
        assert set(videos.flatten()) <= set(pool.of("meta"))
        assert batch.shares.tolist() == [[[1, 0, 0], [1, 0, 0]]] * 3
        seen |= set(videos.flatten())
    assert seen == set(pool.of("meta"))
    assert frames == {0, 1, 2}
    assert len(meta_batch(pool, 99, np.random.default_rng(0)).rows) == len(pool.of("meta"))


def test_every_setting_of_the_weight_net_matters(usual, fabric, monkeypatch):
    monkeypatch.setattr("uscl.pretrain.engine.pretrained.weighed_pairs", lambda *_: None)
    for meta in ({"lr": 0.01}, {"detach_features": True}, {"every": 2}, {"update": "lookahead"}):
        assert not same(pretrain(fabric, epochs=1, meta=meta).heads, usual.heads), meta


def test_the_meta_set_moves_the_encoder_only_through_the_weights(fabric):
    # With a weight net that barely moves, darker meta videos change almost nothing: they are not trained on.
    store = bright_or_dark_store(groups=10)
    settings = {"epochs": 1, "batch_size": 2, "warmup_epochs": 0, "shares": (0.2, 0.2), "meta": {"lr": 1e-30}}
    usual = trained(meta_uscl, TinyEncoder(), store, fabric, 0, **settings)
    store.frames[store.manifest["video"].isin(usual.parts["video"][usual.parts["part"] == "meta"])] //= 2
    darker = trained(meta_uscl, TinyEncoder(), store, fabric, 0, **settings)
    assert same(usual.encoder.state_dict(), darker.encoder.state_dict())
    assert not usual.history["meta_loss"].equals(darker.history["meta_loss"])


def test_a_loss_that_is_not_finite_stops_and_names_the_place(fabric):
    with pytest.raises(UserError, match=r"became \w+ in epoch \d+, step \d+, on v\d+#\d, .*: lower the learning rate"):
        pretrain(fabric, epochs=5, lr=1e30)


def test_weights_of_pairs_that_are_not_finite_stop_and_name_the_learning_rate(fabric, monkeypatch):
    # The last step of alpha may make the net like this, and no later loss shows it.
    steps = WeightedStep.published

    def spoilt(self, *batch):
        step = steps(self, *batch)
        torch.nn.init.constant_(next(self.weight_net.parameters()), torch.nan)
        return step

    monkeypatch.setattr(WeightedStep, "published", spoilt)
    with pytest.raises(UserError, match=r"no finite weights after its last step: lower `meta.lr`"):
        pretrain(fabric, epochs=1, batch_size=64)


ARMS = {
    "ppi": (simclr, {"pairs": "ppi"}),
    "simclr": (simclr, {}),
    "uscl": (uscl, {}),
    "supervised": (supervised, {}),
    **{weights: (meta_uscl, {"weights": weights}) for weights in ("learned", "shuffled", "temporal", "constant")},
}


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("frames", [1, 2])
def test_videos_of_one_or_two_frames_are_trained_on_by_every_method(fabric, arm, frames):
    method, settings = ARMS[arm]
    store = bright_or_dark_store(groups=10, frames=frames)
    result = trained(method, TinyEncoder(), store, fabric, 0, epochs=1, batch_size=4, warmup_epochs=0, **settings)
    assert np.isfinite(result.history.to_numpy(dtype=float)).all()
    assert np.isfinite(result.pairs["weight"]).all()
    if frames == 1:
        assert (result.pairs["distance"] == 0).all()
        assert (result.pairs["row_a"] == result.pairs["row_c"]).all()


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("grey", [0, 255])
def test_constant_images_give_numbers_and_no_nan(fabric, arm, grey):
    method, settings = ARMS[arm]
    store = bright_or_dark_store(groups=10)
    store.frames[:] = grey
    result = trained(method, TinyEncoder(), store, fabric, 0, epochs=1, batch_size=4, warmup_epochs=0, **settings)
    assert np.isfinite(result.history.to_numpy(dtype=float)).all()
    assert all(torch.isfinite(tensor).all() for tensor in result.encoder.state_dict().values())


# Videos of three frames with states and second states, and shares of the frames in both views. In the first nothing
# is seen at the end; the last changes to something else.
STATES = np.array([[[1, 0], [0.5, 0], [0, 0]], [[1, 0]] * 3, [[0.75, 0.25], [0, 1], [0, 1]]])
SHARES = np.array(
    [[[0.75, 0.25, 0], [0, 0.5, 0.5]], [[0.5, 0.5, 0], [0, 0.5, 0.5]], [[0.5, 0.5, 0], [0, 0, 1]]], np.float32
)


def test_oracle_weights_are_the_scalar_product_of_the_views_states_and_at_least_a_hundredth():
    expected = [(0.75 + 0.25 * 0.5) * (0.5 * 0.5), 1.0, 0.5 * (0.25 + 1)]
    assert oracle_weights(STATES, SHARES) == pytest.approx(expected)


def test_views_of_the_same_agree_whether_it_comes_first_or_second_and_views_of_both_do_not():
    first, second, nothing = [1, 0], [0, 1], [0, 0]
    states = np.array([[first] * 3, [second] * 3, [first, first, second], [second, second, nothing]])
    shares = np.array([[[1, 0, 0], [0, 0, 1]]] * 4, np.float32)
    assert oracle_weights(states, shares).tolist() == [1, 1, 0.01, 0.01]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=3), st.floats(0, 1), st.floats(0, 1))
def test_oracle_weights_are_those_of_the_published_mixture(frames, xi1, xi2):
    a, b, c = ([seen * kind, seen * (1 - kind)] for seen, kind in frames)
    q1 = [(1 - xi1) * a[k] + xi1 * b[k] for k in range(2)]
    q2 = [xi2 * b[k] + (1 - xi2) * c[k] for k in range(2)]
    shares = np.array([[[1 - xi1, xi1, 0], [0, xi2, 1 - xi2]]])
    (weight,) = oracle_weights(np.array([[a, b, c]]), shares)
    assert weight == pytest.approx(max(q1[0] * q2[0] + q1[1] * q2[1], 0.01))


@pytest.mark.parametrize("kind", ["oracle", "oracle_shuffled", "anti_oracle"])
def test_oracle_weights_come_from_the_manifest_and_the_opposite_ones_are_their_complement(kind):
    pool = SimpleNamespace(states=STATES.reshape(9, 2))
    weights = given_weights(pool, Pairs(np.arange(9).reshape(3, 3), SHARES), kind, 999)
    oracle = oracle_weights(STATES, SHARES)
    assert weights.dtype == np.float32
    assert weights == pytest.approx(1.01 - oracle if kind == "anti_oracle" else oracle)


def with_states(groups=10, frames=9):
    """A pool in which every other video shows something else in its second half."""
    store = bright_or_dark_store(groups=groups, frames=frames)
    place, video = np.arange(groups * frames) % frames, np.arange(groups * frames) // frames
    store.manifest["state"] = np.where((place >= frames // 2) & (video % 2 == 1), 0.0, 1.0)
    store.manifest["second_state"] = 1 - store.manifest["state"]
    return store


def test_an_oracle_trains_with_the_truth_and_shuffled_with_the_same_in_another_order(fabric, followed):
    settings = {"epochs": 1, "batch_size": 6, "warmup_epochs": 0, "lr": 0.05, "shares": (0.2, 0.2)}
    for kind in ("oracle", "oracle_shuffled"):
        trained(meta_uscl, TinyEncoder(), with_states(), fabric, 0, weights=kind, **settings)
    (oracle,), (shuffled,) = (take.steps for take in followed)
    assert 0 < (oracle.weights < 1).sum() < 6
    assert torch.equal(oracle.weights.sort().values, shuffled.weights.sort().values)
    assert not torch.equal(oracle.weights, shuffled.weights)
    assert not oracle.more  # no weight net learns


def test_an_oracle_without_the_truth_is_refused(fabric):
    with pytest.raises(UserError, match="the simulator's truth about each frame, which this pool does not have"):
        pretrain(fabric, weights="oracle")
    store = with_states()
    store.manifest.loc[3, "second_state"] = np.nan
    with pytest.raises(UserError, match="the simulator's truth"):
        trained(meta_uscl, TinyEncoder(), store, fabric, 0, epochs=1, weights="anti_oracle")


def test_what_the_weight_net_holds_out_is_held_out_of_every_arm(fabric):
    arms = {
        "simclr": (simclr, {}),
        "uscl": (uscl, {}),
        "learned": (meta_uscl, {}),
        "constant": (meta_uscl, {"weights": "constant"}),
    }
    store = bright_or_dark_store(groups=10)
    results = {
        name: trained(method, TinyEncoder(), store, fabric, 0, epochs=1, batch_size=4, **settings)
        for name, (method, settings) in arms.items()
    }
    assert len({tuple(result.parts["part"]) for result in results.values()}) == 1
    assert len({result.history["pairs"].item() for result in results.values()}) == 1


def test_an_arm_that_trains_on_all_it_may_takes_the_meta_set_too(fabric):
    shared, all_videos = (pretrain(fabric, weights="constant", epochs=1, train_on=which) for which in ("shared", "all"))
    assert (shared.history["pairs"].item(), all_videos.history["pairs"].item()) == (6, 8)
    assert shared.parts.equals(all_videos.parts)
    assert "train_on: all" in meta_uscl.METHOD.remarks(meta_uscl.MetaUSCL(weights="constant", train_on="all"))[1]


def test_the_history_has_the_path_of_alpha_and_the_pairs_have_their_weights_at_the_start(fabric):
    result = pretrain(fabric, epochs=2, meta={"lr": 0.01})
    bound, distance = (result.history[name].tolist() for name in ("alpha_bound", "alpha_distance"))
    assert bound == pytest.approx([0.03, 0.06])  # three steps per epoch
    assert 0 < distance[0] <= bound[0] * 1.001
    assert distance[0] < distance[1] <= bound[1] * 1.001
    assert (result.pairs["start_weight"] != result.pairs["weight"]).all()
    untouched = pretrain(fabric, epochs=2, meta={"lr": 0.01, "every": 99}).pairs
    assert not untouched["weight"].equals(result.pairs["weight"])
    assert "start_weight" not in pretrain(fabric, epochs=1, weights="constant").pairs
