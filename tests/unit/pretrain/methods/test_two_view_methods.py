"""The methods of two views with other losses than NT-Xent: their steps are those of plain code, and they learn."""

import copy

import pytest
import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from torch import nn
from torch.nn import functional as F
from trained import trained
from two_processes import DoubleEncoder

from uscl.base.seeds import generator, torch_stream
from uscl.models.contrastive import ContrastiveModel
from uscl.models.projector import mlp
from uscl.pretrain.engine import collapse
from uscl.pretrain.engine.schedule import warmup_and_cosine
from uscl.pretrain.methods import barlow_twins, byol, moco_v2, simsiam, vicreg
from uscl.pretrain.pairs import pair_views
from uscl.pretrain.pairs.pairs import batches, one_frame
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.training.device import start
from uscl.training.pair_losses import barlow_twins as barlow_twins_loss
from uscl.training.pair_losses import vicreg as vicreg_loss

LR, EPOCHS, BATCH = 0.01, 2, 3
DIM = TinyEncoder.dim


@pytest.fixture
def fabric():
    return start("cpu", "32-true", threads=1)


@pytest.fixture
def double():
    """Weights in float64: over few pairs, BatchNorm makes rounding grow from step to step."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def seeded(purpose, build):
    with torch_stream(0, purpose):
        return build()


def plain(fabric, heads, loss, groups=None):
    """A slow twin: SGD on `loss(first, second, place)`, one pass per view; the encoder in the end."""
    pool = Pool(bright_or_dark_store(groups=8), fabric, 0, Shares(0.1, 0.2))
    views, trained_on = pair_views.Views(pool.store, fabric), pool.of("train")
    model = nn.ModuleDict(heads)
    optimizer = torch.optim.SGD(groups or model.parameters(), lr=LR, momentum=0.9, weight_decay=1e-4)
    total = 0
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = LR if group.get("kept") else warmup_and_cosine(LR, epoch, EPOCHS, 0)
        rng = generator(0, "pairs", epoch)
        drawn = one_frame(pool.videos, rng.permutation(trained_on), rng)
        for number, batch in enumerate(batches(drawn, BATCH)):
            frames = views.mixed_first(batch, (0, "augment", epoch, number)).chunk(2)
            value = loss(*frames, pool.videos.of_row[batch.rows[:, 0]], total)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += 1
    assert total == 4
    return model["encoder"]


def assert_same_encoder(fabric, method, expected, **settings):
    store = bright_or_dark_store(groups=8)
    given = {"epochs": EPOCHS, "batch_size": BATCH, "warmup_epochs": 0, "lr": LR} | settings
    found = trained(method, encoder(), store, fabric, 0, **given).encoder
    weights, before = dict(expected.named_parameters()), dict(encoder().named_parameters())
    for name, weight in found.named_parameters():
        torch.testing.assert_close(weight, weights[name], rtol=1e-7, atol=1e-9)
    assert max((weight - before[name]).abs().max().item() for name, weight in weights.items()) > 1e-6


def encoder():
    return DoubleEncoder().double()


def moved(target, model, momentum):
    with torch.no_grad():
        for slow, fast in zip(target.parameters(), model.parameters(), strict=True):
            slow.copy_(momentum * slow + (1 - momentum) * fast)


def test_moco_v2_is_plain_code(fabric, double):
    usual = ContrastiveModel(encoder(), 0)
    online = nn.Sequential(usual.encoder, usual.projector)
    target, size = copy.deepcopy(online), 5
    queue = [(key, -1) for key in seeded("queue", lambda: F.normalize(torch.randn(size, 128), dim=1))]

    def loss(first, second, videos, total):
        nonlocal queue
        moved(target, online, 0.5)
        q = F.normalize(online(first), dim=1)
        with torch.no_grad():
            k = F.normalize(target(second), dim=1)
        terms = []
        for row, video in enumerate(videos):
            negatives = [key for key, of in queue if of != video]
            logits = torch.stack([q[row] @ key for key in (k[row], *negatives)]) / 0.2
            terms.append(logits.logsumexp(0) - logits[0])
        queue = [*queue, *zip(k, videos, strict=True)][-size:]
        return torch.stack(terms).mean()

    expected = plain(fabric, {"encoder": usual.encoder, "projector": usual.projector}, loss)
    assert_same_encoder(fabric, moco_v2, expected, queue=size, target_momentum=0.5)


def test_byol_is_plain_code(fabric, double):
    heads = {
        "encoder": encoder(),
        "projector": seeded("projector", lambda: mlp(DIM, 2 * DIM, 6)),
        "predictor": seeded("predictor", lambda: mlp(6, 2 * DIM, 6)),
    }
    online = nn.Sequential(heads["encoder"], heads["projector"])
    target = copy.deepcopy(online)

    def loss(first, second, videos, total):
        moved(target, online, 1 - 0.5 * (torch.pi * torch.tensor(total / 4)).cos().add(1).item() / 2)
        found = 0
        for view, other in ((first, second), (second, first)):
            p = F.normalize(heads["predictor"](online(view)), dim=1)
            z = F.normalize(target(other).detach(), dim=1)
            found = found + (p - z).square().sum(1).mean()
        return found

    assert_same_encoder(fabric, byol, plain(fabric, heads, loss), out=6, target_momentum=0.5)


def test_simsiam_is_plain_code(fabric, double):
    heads = {
        "encoder": encoder(),
        "projector": seeded("projector", lambda: mlp(DIM, DIM, DIM, DIM, normalised=True)),
        "predictor": seeded("predictor", lambda: mlp(DIM, DIM // 4, DIM)),
    }
    groups = [
        {"params": [*heads["encoder"].parameters(), *heads["projector"].parameters()]},
        {"params": [*heads["predictor"].parameters()], "kept": True},
    ]

    def loss(first, second, videos, total):
        z = [heads["projector"](heads["encoder"](view)) for view in (first, second)]
        p = [heads["predictor"](each) for each in z]
        cosines = F.cosine_similarity(p[0], z[1].detach()), F.cosine_similarity(p[1], z[0].detach())
        return -(cosines[0].mean() + cosines[1].mean()) / 2

    assert_same_encoder(fabric, simsiam, plain(fabric, heads, loss, groups))


@pytest.mark.parametrize(
    ("method", "of_projections"),
    [
        (barlow_twins, lambda *z: barlow_twins_loss(*z, 5e-3)),
        (vicreg, lambda *z: vicreg_loss(*z, 25, 25, 1)),
    ],
)
def test_losses_of_projections_are_plain_code(fabric, double, method, of_projections):
    heads = {"encoder": encoder(), "projector": seeded("projector", lambda: mlp(DIM, DIM, DIM, 4))}

    def loss(first, second, videos, total):
        return of_projections(*(heads["projector"](heads["encoder"](view)) for view in (first, second)))

    assert_same_encoder(fabric, method, plain(fabric, heads, loss), out=4)


EVERY_SETTING = [
    *((moco_v2, key, value) for key, value in {"temperature": 0.5, "target_momentum": 0.2, "queue": 9}.items()),
    *((byol, key, value) for key, value in {"target_momentum": 0.2, "out": 8, "batchnorm": "joint"}.items()),
    *((simsiam, key, value) for key, value in {"momentum": 0.5, "batchnorm": "joint"}.items()),
    *((barlow_twins, key, value) for key, value in {"redundancy": 0.5, "out": 8, "batchnorm": "joint"}.items()),
    *((vicreg, key, value) for key, value in {"invariance": 1, "variance": 1, "covariance": 9, "out": 8}.items()),
    *((method, "pairs", "temporal") for method in (moco_v2, byol, simsiam, barlow_twins, vicreg)),
]


@pytest.mark.parametrize(("method", "key", "value"), EVERY_SETTING)
def test_every_setting_matters(fabric, method, key, value):
    def weights(**more):
        given = {"epochs": 1, "batch_size": 3, "warmup_epochs": 0, "lr": LR} | more
        result = trained(method, TinyEncoder(), bright_or_dark_store(groups=8), fabric, 0, **given)
        return torch.cat([weight.flatten() for weight in result.encoder.parameters()])

    assert not torch.equal(weights(), weights(**{key: value}))


def test_a_collapse_of_predictions_is_seen_although_the_loss_is_perfect():
    alike = torch.ones(16, 8) + 1e-4 * torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    figures = collapse.representation_health(alike, alike, alike)
    assert "representations" in collapse.warnings(figures, 16)
