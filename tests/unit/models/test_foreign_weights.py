import contextlib
import json
import logging
import runpy
import socket
import sys
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from uscl.base.errors import UserError
from uscl.models.foreign_weights import file_content
from uscl.models.imagenet import imagenet_encoder

ROOT = Path(__file__).parents[3]
IMAGENET_MEAN, IMAGENET_STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
COUNTERS = ", ".join(
    f"{layer}.num_batches_tracked"
    for layer in ("bn1", *(f"layer1.{block}.bn{number}" for block in (0, 1) for number in (1, 2)), "layer2.0.bn1")
)
FILE_IN_CACHE = "hub/checkpoints/resnet18-f37072fd.pth"


@pytest.fixture(scope="module")
def network():
    """torchvision's ResNet-18 with class head, after a training: no BatchNorm is as it was built."""
    net = torchvision.models.resnet18(weights=None)
    net.train()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.2, 0.2)
        for _ in range(3):
            net(torch.randn(4, 3, 64, 64))
    return net.eval()


@pytest.fixture
def published(network):
    """The content of torchvision's file: parameters and buffers with the class head, and no counters."""
    state = OrderedDict((name, tensor) for name, tensor in network.state_dict(keep_vars=True).items())
    return OrderedDict((name, tensor) for name, tensor in state.items() if not name.endswith("num_batches_tracked"))


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("uscl")]


def saved(content, path, **how):
    torch.save(content, path, **how)
    return str(path)


@torch.inference_mode()
def is_torchvisions(encoder, network):
    """Whether an encoder is torchvision's network without its class head, to the last bit."""
    frames = torch.rand(3, 1, 64, 64)
    colour = (frames.expand(-1, 3, -1, -1) - IMAGENET_MEAN.view(3, 1, 1)) / IMAGENET_STD.view(3, 1, 1)
    headless = nn.Sequential(*list(network.children())[:-1], nn.Flatten()).eval()
    return torch.equal(encoder.eval()(frames), headless(colour))


@pytest.mark.parametrize("zipped", [True, False])
def test_torchvisions_file_gives_torchvisions_network(network, published, tmp_path, said, zipped):
    assert len(published) == 102
    path = saved(published, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    encoder = imagenet_encoder("resnet18", path)
    assert is_torchvisions(encoder, network)
    assert encoder.backbone.bn1.num_batches_tracked == 0
    assert said() == [
        f"The class head in {path} is dropped (fc.bias, fc.weight).",
        f"BatchNorm counters that are missing in {path} start at 0 ({COUNTERS} and 14 more).",
    ]


def test_the_file_in_torchs_cache_gives_torchvisions_network(network, published, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", None)  # nothing is downloaded
    (tmp_path / FILE_IN_CACHE).parent.mkdir(parents=True)
    torch.save(published, tmp_path / FILE_IN_CACHE)
    assert is_torchvisions(imagenet_encoder("resnet18"), network)


def test_counters_in_a_file_are_kept(network, tmp_path, said):
    encoder = imagenet_encoder("resnet18", saved(network.state_dict(), tmp_path / "w.pth"))
    assert is_torchvisions(encoder, network)
    assert encoder.backbone.bn1.num_batches_tracked == 3
    assert len(said()) == 1


def parallel(weights):
    return {f"module.{name}": tensor for name, tensor in weights.items()}


def checkpoint(weights, name):
    """What a training saves, with the state of an optimizer."""
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    return {"epoch": 3, "arch": "resnet18", name: weights, "optimizer": state, "args": Namespace(lr=1)}


PREFIX = "The names in {} begin with `module.`: the prefix is removed."
ENTRY = "The weights in {} are its entry `%s`; not used: arch, args, epoch, optimizer."


@pytest.mark.parametrize(
    ("form", "sentences"),
    [
        (parallel, [PREFIX]),
        (lambda weights: checkpoint(weights, "state_dict"), [ENTRY % "state_dict"]),
        (lambda weights: checkpoint(weights, "model"), [ENTRY % "model"]),
        (lambda weights: checkpoint(parallel(weights), "model"), [ENTRY % "model", PREFIX]),
        (lambda weights: {"model": weights}, ["The weights in {} are its entry `model`."]),
        (
            lambda weights: {"state_dict": weights, "model": "resnet18"},
            ["The weights in {} are its entry `state_dict`; not used: model."],
        ),
    ],
)
def test_what_is_around_the_weights_is_removed_and_logged(network, published, tmp_path, said, form, sentences):
    path = saved(form(published), tmp_path / "w.pt")
    assert is_torchvisions(imagenet_encoder("resnet18", path), network)
    assert said()[:-2] == [sentence.format(path) for sentence in sentences]


def test_the_prefix_is_removed_from_safetensors(network, published, tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({name: tensor.detach() for name, tensor in parallel(published).items()}, path)
    assert is_torchvisions(imagenet_encoder("resnet18", str(path)), network)


def without(*names):
    return lambda weights: {name: tensor for name, tensor in weights.items() if name not in names}


UNFIT = {
    "a weight": (without("conv1.weight"), r"don't fit ResNet \(1 missing: conv1.weight\)\."),
    "a mean": (without("layer1.0.bn1.running_mean"), r"\(1 missing: layer1.0.bn1.running_mean\)\."),
    "a variance": (without("bn1.running_var"), r"\(1 missing: bn1.running_var\)\."),
    "a bias": (without("bn1.bias"), r"\(1 missing: bn1.bias\)\."),
    "one more": (lambda weights: weights | {"conv2.weight": torch.ones(1)}, r"\(1 left over: conv2.weight\)\."),
    "a counter too many": (
        lambda weights: weights | {"conv1.num_batches_tracked": torch.tensor(1)},
        r"\(1 left over: conv1.num_batches_tracked\)\.",
    ),
    "another shape": (lambda weights: weights | {"bn1.bias": torch.ones(3)}, r"\(1 of another shape: bn1.bias\)\."),
    "another class head": (lambda weights: weights | {"fcs.bias": torch.ones(3)}, r"\(1 left over: fcs.bias\)\."),
    "prefix of some": (
        lambda weights: without("bn1.bias")(weights) | {"module.bn1.bias": weights["bn1.bias"]},
        r"\(1 missing: bn1.bias; 1 left over: module.bn1.bias\)\.",
    ),
    "another prefix": (
        lambda weights: {f"mine.{name}": tensor for name, tensor in weights.items()},
        r"\(100 missing: bn1.bias, .* and 94 more; 102 left over: (module.)?mine.bn1.bias, .* and 96 more\)\.",
    ),
    "not finite": (lambda weights: weights | {"bn1.bias": torch.full((64,), torch.nan)}, r"NaN .*\(bn1.bias\)"),
    "nothing": (lambda weights: {}, "holds no tensors by name"),
}


@pytest.mark.parametrize("unfit", UNFIT)
@pytest.mark.parametrize("form", [dict, parallel, lambda weights: checkpoint(weights, "model")])
def test_any_other_difference_is_refused_with_the_names(published, tmp_path, unfit, form):
    change, sentence = UNFIT[unfit]
    with pytest.raises(UserError, match=sentence):
        imagenet_encoder("resnet18", saved(form(dict(change(dict(published)))), tmp_path / "w.pth"))


def test_a_counter_and_a_weight_missing_are_refused_with_the_weight(network, tmp_path):
    content = without("bn1.num_batches_tracked", "conv1.weight")(network.state_dict())
    with pytest.raises(UserError, match=r"\(1 missing: conv1.weight\)\."):
        imagenet_encoder("resnet18", saved(content, tmp_path / "w.pth"))


ODD = {
    "complex": lambda weight: weight.to(torch.complex64),
    "integer": lambda weight: (100 * weight).int(),
    "quantized": lambda weight: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8),
    "of 8 bits": lambda weight: weight.to(torch.float8_e4m3fn),
    "sparse": torch.Tensor.to_sparse,
    "without data": lambda weight: weight.to("meta"),
    "nested": lambda weight: torch.nested.nested_tensor([weight[0, 0], weight[0, 0, :2]]),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.filterwarnings("ignore")  # of torch, about quantized and nested tensors
def test_weights_that_cant_be_copied_as_they_are_are_refused_by_name(published, tmp_path, odd):
    content = published | {"conv1.weight": ODD[odd](published["conv1.weight"].detach())}
    with pytest.raises(UserError, match=r"1 of its 102 tensors in a form other than .* \(conv1.weight\): save"):
        imagenet_encoder("resnet18", saved(content, tmp_path / "w.pth"))


def test_a_counter_without_data_is_refused_by_name(network, tmp_path):
    content = network.state_dict() | {"bn1.num_batches_tracked": torch.tensor(1).to("meta")}
    with pytest.raises(UserError, match=r"1 of its 122 tensors in a form .* \(bn1.num_batches_tracked\): save"):
        imagenet_encoder("resnet18", saved(content, tmp_path / "w.pth"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_become_float32(network, tmp_path, dtype):
    content = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
    encoder = imagenet_encoder("resnet18", saved(content, tmp_path / "w.pth"))
    assert encoder.backbone.conv1.weight.dtype == torch.float32
    assert torch.equal(encoder.backbone.conv1.weight, network.conv1.weight.to(dtype).float())


def circular():
    found = {}
    found["model"] = found
    return found


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"model": {}, "state_dict": {}},
            r"w.pth has the entries state_dict and model: save the one that is meant alone, or name it as `key`",
        ),
        ({"epoch": 3, "net": {}}, r"w.pth holds no tensors by name \(epoch, net\): save the state dict alone, or"),
        ({"model": {"model": {}}}, "holds no tensors by name: save"),
        (circular(), r"holds no tensors by name \(model\)"),
        ({"model": {1: torch.ones(1)}}, r"holds no tensors by name \(1\)"),
        ([torch.ones(1)], "holds no tensors by name"),
        (torch.ones(1), "holds no tensors by name"),
        (nn.Linear(1, 1), r"holds more than weights \(nothing in it was executed\)"),
    ],
)
def test_other_content_is_refused_in_words(tmp_path, content, sentence):
    with pytest.raises(UserError, match=sentence):
        imagenet_encoder("resnet18", saved(content, tmp_path / "w.pth"))


class Harm:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def test_nothing_in_a_file_is_executed(tmp_path):
    path = saved({"model": {}, "args": Harm(tmp_path / "trace")}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="nothing in it was executed"):
        file_content(Path(path))
    assert not (tmp_path / "trace").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "trace").exists()


def test_damaged_files_are_refused_in_words(tmp_path):
    path, read = Path(saved({"a": torch.ones(3), "b": nn.Parameter(torch.ones(2))}, tmp_path / "w.pth")), 0
    whole = path.read_bytes()
    for place in range(600):  # the pickled part is among them
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with contextlib.suppress(UserError):  # any other error fails the test
            file_content(path)
            read += 1
    assert read < 500


def test_the_check_before_the_jobs_prints_the_same_sentence(published, tmp_path, monkeypatch, capsys):
    path = saved(without("conv1.weight")(published), tmp_path / "w.pth")
    with pytest.raises(UserError) as caught:
        imagenet_encoder("resnet18", path)
    monkeypatch.setattr(sys, "argv", ["preflight.py", "--encoder", json.dumps(["resnet18", "imagenet", path, {}])])
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / "workflow/scripts/checks/preflight.py"))
    assert capsys.readouterr().out.strip() == str(caught.value)
