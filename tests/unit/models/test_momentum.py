import copy

import pytest
import torch
from lightly.models.utils import update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import nn
from torch.nn import functional as F

import uscl.models.torchvision_cpu  # noqa: F401  (before lightly, which imports torchvision)
from uscl.models.momentum import Queue, follow, follower, rising


def net(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_a_follower_moves_as_lightlys_and_has_no_gradient():
    model, target = net(0), follower(net(1))
    expected = copy.deepcopy(target)
    assert not any(weight.requires_grad for weight in target.parameters())
    for _ in range(3):
        follow(target, model, 0.9)
        update_momentum(model, expected, 0.9)
    for ours, theirs in zip(target.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not torch.equal(next(target.parameters()), next(net(1).parameters()))


def test_a_follower_with_fewer_parts_follows_by_name():
    model = nn.ModuleDict({"first": net(0), "encoder": net(1)})
    target = nn.ModuleDict({"encoder": follower(net(2))})
    follow(target, model, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(target.parameters(), model["encoder"].parameters(), strict=True))


@pytest.mark.parametrize("step", [0, 1, 50, 99, 100])
def test_the_momentum_rises_as_lightlys(step):
    # lightly's last step is the first that has the end value, so it counts one step more.
    assert rising(0.99, step, 100) == pytest.approx(cosine_schedule(step, 101, 0.99, 1.0))


def test_a_queue_holds_the_last_keys_with_their_videos():
    queue, pushed = Queue(5, 2, seed=0), []
    start = queue.keys.clone()
    assert torch.allclose(start.norm(dim=1), torch.ones(5))
    assert queue.videos.tolist() == [-1] * 5
    for number in range(4):  # two at a time: the third batch wraps around
        keys = torch.randn(2, 2, requires_grad=True)
        queue.push(keys, torch.tensor([2 * number, 2 * number + 1]))
        pushed += [*F.normalize(keys.detach(), dim=1)]
        if number == 0:
            assert torch.equal(queue.keys[2:], start[2:])
    assert sorted(queue.videos.tolist()) == [3, 4, 5, 6, 7]
    for key, video in zip(queue.keys, queue.videos, strict=True):
        assert torch.equal(key, pushed[video])
    assert not queue.keys.requires_grad


def test_of_a_batch_that_is_larger_than_the_queue_the_last_keys_remain():
    queue = Queue(3, 2, seed=0)
    queue.push(torch.randn(7, 2), torch.arange(7))
    assert sorted(queue.videos.tolist()) == [4, 5, 6]
    queue.push(torch.randn(1, 2), torch.tensor([7]))
    assert sorted(queue.videos.tolist()) == [5, 6, 7]


def test_a_restored_queue_goes_on_where_it_was():
    whole, first, resumed = (Queue(5, 2, seed=seed) for seed in (0, 0, 1))
    keys = torch.randn(4, 3, 2)
    for number in range(4):
        whole.push(keys[number], torch.full((3,), number))
        if number < 2:
            first.push(keys[number], torch.full((3,), number))
    resumed.load_state_dict(first.state_dict())
    for number in (2, 3):
        resumed.push(keys[number], torch.full((3,), number))
    assert all(torch.equal(a, b) for a, b in zip(whole.buffers(), resumed.buffers(), strict=True))
