import logging

import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from torch.nn import functional as F
from trained import trained

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.methods import uscl
from uscl.pretrain.pairs import pair_views
from uscl.pretrain.pairs.pairs import anchored, batches
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.augment import META_USCL
from uscl.training.augment import USCL as USCL_VIEWS
from uscl.training.device import start
from uscl.training.losses import nt_xent_per_view


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


def without_labels(store, *videos):
    store.manifest.loc[store.manifest["video"].isin(videos), "label"] = ""
    return store


def pretrain(fabric, store=None, seed=0, encoder=None, **settings):
    given = {"settings": "shared", "epochs": 2, "batch_size": 3, "warmup_epochs": 0, "lr": 3e-3} | settings
    return trained(uscl, encoder or TinyEncoder(), store or bright_or_dark_store(groups=8), fabric, seed, **given)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def test_pretraining_lowers_both_losses(fabric):
    encoder = TinyEncoder()
    store = bright_or_dark_store(groups=24)
    result = pretrain(fabric, store, 2, encoder, epochs=12, batch_size=8, lr=1e-2, label_weight=1.0)
    assert result.encoder is encoder
    assert not encoder.training
    for name in ("contrastive_loss", "class_loss"):
        assert result.history[name][-3:].mean() < result.history[name][:3].mean()


def test_the_loss_is_that_of_the_views_and_the_weighted_one_of_the_classes(fabric):
    history = pretrain(fabric, label_weight=0.3).history
    expected = history["contrastive_loss"] + 0.3 * history["class_loss"]
    assert history["loss"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-6)
    # Two views; before anything is learned each class is about as likely as the other.
    assert history["class_loss"][0] == pytest.approx(2 * 0.69, abs=0.4)


def test_runs_repeat_bit_by_bit_and_seeds_differ(fabric):
    first, again, other = (pretrain(fabric, seed=seed) for seed in (0, 0, 1))
    assert same(first.encoder.state_dict(), again.encoder.state_dict())
    assert same(first.heads, again.heads)
    assert first.history.equals(again.history)
    assert not same(first.encoder.state_dict(), other.encoder.state_dict())


def test_it_starts_from_the_encoder_that_it_is_given(fabric):
    for start_seed in (0, 1):
        result = pretrain(fabric, encoder=TinyEncoder(start_seed), lr=0.0)
        assert same(dict(TinyEncoder(start_seed).named_parameters()), dict(result.encoder.named_parameters()))


def test_the_heads_are_projector_and_classifier(fabric):
    heads = pretrain(fabric, epochs=1).heads
    assert {name.split(".")[0] for name in heads} == {"projector", "classifier"}
    assert heads["classifier.weight"].shape == (2, 8)


def test_a_pool_without_labels_is_trained_without_the_class_term_and_with_a_warning(fabric, caplog):
    store = bright_or_dark_store(groups=8)
    store.manifest["label"] = ""
    with caplog.at_level(logging.WARNING):
        bare = pretrain(fabric, store)
    assert "The pool has no labels" in caplog.text
    assert {name.split(".")[0] for name in bare.heads} == {"projector"}
    assert (bare.history["class_loss"] == 0).all()
    # The same as with labels that do not count, except for what SGD does to the classifier.
    weightless = pretrain(fabric, label_weight=0.0)
    assert same(bare.encoder.state_dict(), weightless.encoder.state_dict())


def test_videos_without_a_label_leave_the_class_term_and_stay_in_the_other(fabric):
    whole = pretrain(fabric, epochs=1, batch_size=8, lr=1e-30)
    train = whole.parts["video"][whole.parts["part"] == "train"].tolist()
    some = pretrain(
        fabric, without_labels(bright_or_dark_store(groups=8), *train[:3]), epochs=1, batch_size=8, lr=1e-30
    )
    assert some.history["contrastive_loss"][0] == whole.history["contrastive_loss"][0]
    assert some.history["class_loss"][0] != whole.history["class_loss"][0]
    only = without_labels(bright_or_dark_store(groups=8), *train)  # the validation videos keep theirs
    assert pretrain(fabric, only, epochs=1).history["class_loss"][0] == 0


def test_labels_of_the_validation_part_are_not_learned(fabric):
    whole = pretrain(fabric)
    held_out = whole.parts["video"][whole.parts["part"] == "validation"]
    fewer = pretrain(fabric, without_labels(bright_or_dark_store(groups=8), *held_out))
    assert same(fewer.encoder.state_dict(), whole.encoder.state_dict())
    assert same(fewer.heads, whole.heads)


def test_a_label_reaches_the_encoder(fabric):
    with_labels, without = pretrain(fabric, label_weight=1.0), pretrain(fabric, label_weight=0.0)
    assert not same(with_labels.encoder.state_dict(), without.encoder.state_dict())


def test_every_frame_has_its_videos_class_and_no_label_is_minus_one(fabric):
    store = without_labels(bright_or_dark_store(groups=4, frames=2), "v2")
    labels = Pool(store, fabric, 0, Shares(0.1)).labels
    assert labels.classes == ["bright", "dark"]
    assert labels.of_row.tolist() == [1, 1, 0, 0, -1, -1, 0, 0]


def test_the_validation_loss_is_that_of_the_views_alone(fabric, monkeypatch):
    # Comparable with the other methods: NT-Xent of one frame's two views, no labels.
    seen = []
    monkeypatch.setattr("uscl.pretrain.pairs.pool.nt_xent_per_view", lambda *z: seen.append(1) or nt_xent_per_view(*z))
    result = pretrain(fabric, epochs=1)
    assert len(seen) == 1
    assert result.history["validation_loss"][0] < 2 * 0.7 + 1


def test_a_loss_that_is_not_finite_stops_and_names_the_place(fabric):
    with pytest.raises(UserError, match=r"became \w+ in epoch \d+, step \d+, on v\d+#\d, .*: lower the learning rate"):
        pretrain(fabric, epochs=5, lr=1e30)


def test_weights_that_are_not_finite_stop_even_if_the_loss_is(fabric):
    with pytest.raises(
        UserError, match=r"Epoch \d: Weights became NaN or infinite .*running_var.*: lower the learning rate `lr`"
    ):
        pretrain(fabric, epochs=5, lr=1e10)


def released(fabric, **settings):
    store = bright_or_dark_store(groups=8)
    given = {"epochs": 2, "batch_size": 3, "settings": "released"} | settings
    return trained(uscl, TinyEncoder(), store, fabric, 0, **given)


def test_the_released_form_has_its_own_heads_normalisation_and_rates(fabric):
    result = released(fabric)
    assert result.heads["projector.2.weight"].shape == (256, 8)
    assert result.heads["classifier.weight"].shape == (2, 256)
    assert result.encoder.stats == ((0.5,) * 3, (0.25,) * 3)
    assert result.history["lr"].tolist() == [3e-4, 3e-4]
    shared = pretrain(fabric, lr=3e-4, warmup_epochs=10)
    assert shared.heads["projector.2.weight"].shape == (128, 8)
    assert shared.history["lr"][0] < 1e-4


def test_the_released_views_are_uscls_and_the_shared_ones_meta_uscls(fabric, monkeypatch):
    seen = []
    made = pair_views.contrastive

    def recorded(size, style):
        seen.append(style)
        return made(size, style)

    monkeypatch.setattr("uscl.pretrain.pairs.pair_views.contrastive", recorded)
    released(fabric, epochs=1)
    pretrain(fabric, epochs=1)
    # The pool's own views, of the validation, are the same for all arms.
    assert seen == [META_USCL, USCL_VIEWS, META_USCL, META_USCL]


def test_two_training_steps_are_those_of_plain_code(fabric):
    """A slow twin: Adam on NT-Xent of the projections and on the class head's cross-entropy, one pass per view."""
    store = bright_or_dark_store(groups=8)
    pool = Pool(store, fabric, 0, Shares(0.1, 0.2))
    model = ContrastiveModel(TinyEncoder(), 0, 2, out=256, classify_projections=True).train()
    optimizer = torch.optim.Adam(model.parameters(), 3e-4, weight_decay=1e-4)
    views = pair_views.Views(store, fabric, USCL_VIEWS)
    rng = generator(0, "pairs", 0)
    drawn = anchored(pool.videos, rng.permutation(pool.of("train")), rng)
    for number, batch in enumerate(batches(drawn, 3)):
        first, second = views.augmented_first(batch, (0, "augment", 0, number)).chunk(2)
        labels = torch.tensor(pool.labels.of_row[batch.rows[:, 0]])
        (_, z1, o1), (_, z2, o2) = model.outputs(first), model.outputs(second)
        loss = nt_xent_per_view(z1, z2).mean() + 0.2 * (F.cross_entropy(o1, labels) + F.cross_entropy(o2, labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = released(fabric, epochs=1).encoder
    for name, tensor in found.state_dict().items():
        torch.testing.assert_close(tensor, model.encoder.state_dict()[name], rtol=1e-5, atol=1e-6)
