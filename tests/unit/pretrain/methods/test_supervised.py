import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from torch.nn import functional as F
from trained import trained

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.methods import supervised
from uscl.pretrain.pairs.pairs import batches, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.device import start


@pytest.fixture(scope="module")
def fabric():
    return start("cpu", "32-true", threads=1)


def unlabelled(store, *videos):
    store.manifest.loc[store.manifest["video"].isin(videos), "label"] = ""
    return store


def pretrain(fabric, store=None, **settings):
    given = {"epochs": 2, "batch_size": 3, "warmup_epochs": 0, "lr": 0.05} | settings
    return trained(supervised, TinyEncoder(), store or bright_or_dark_store(groups=10), fabric, 0, **given)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


def test_it_learns_the_classes(fabric):
    history = pretrain(fabric, bright_or_dark_store(groups=24), epochs=12, batch_size=8).history
    assert history["loss"].iloc[-3:].mean() < 0.8 * history["loss"].iloc[:3].mean()


def test_an_epoch_is_that_of_plain_code(fabric):
    """A slow twin: SGD on the cross-entropy of the class head on both views, one pass per view."""
    store = bright_or_dark_store(groups=10)
    pool = Pool(store, fabric, 0, Shares(0.1, 0.2))
    model = ContrastiveModel(TinyEncoder(), 0, 2, out=0).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=1e-4)
    rng = generator(0, "pairs", 0)
    drawn = one_frame(pool.videos, rng.permutation(pool.of("train")), rng)
    for number, batch in enumerate(batches(drawn, 3)):
        views = pool.views.mixed_first(batch, (0, "augment", 0, number)).chunk(2)
        labels = torch.tensor(pool.labels.of_row[batch.rows[:, 0]])
        loss = sum(F.cross_entropy(model.outputs(view)[2], labels) for view in views) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = pretrain(fabric, epochs=1).encoder.state_dict()
    for name, tensor in model.encoder.state_dict().items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)


def test_videos_without_a_label_are_not_used(fabric):
    train = pretrain(fabric).parts.query("part == 'train'")["video"].tolist()
    store = unlabelled(bright_or_dark_store(groups=10), train[0])
    some = pretrain(fabric, store, epochs=1)
    assert some.history["pairs"].item() == len(train) - 1
    darker = unlabelled(bright_or_dark_store(groups=10), train[0])
    darker.frames[darker.manifest["video"] == train[0]] = 0
    assert same(pretrain(fabric, darker, epochs=1).encoder.state_dict(), some.encoder.state_dict())


def test_a_pool_without_two_classes_is_refused(fabric):
    store = bright_or_dark_store(groups=10)
    store.manifest["label"] = "bright"
    with pytest.raises(UserError, match=r"needs labels of the pool: .* and 1 classes have some"):
        pretrain(fabric, store)


def test_the_arm_is_marked_as_one_that_sees_labels():
    assert supervised.METHOD.sees_labels
