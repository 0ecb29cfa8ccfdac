"""Checkpoints of other programs: their layouts, how much of them must fit, and one sentence per fault."""

import argparse
import functools
import hashlib
import http.server
import logging
import threading
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from uscl.base.errors import UserError
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.file_encoder import Layout, encoder_of_layout
from uscl.models.hub_file import address_fault, local_file
from uscl.pretrain.methods.file import METHOD

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STATS = InputStats(MEAN, STD)
TENSORS = 102 - 2  # of torchvision's ResNet-18 without class head and counters
REVISION = "0" * 40


@functools.cache
def network():
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None)


def state(prefix=""):
    return {f"{prefix}{name}": tensor for name, tensor in network().state_dict().items()}


def other(prefix):
    """A network that is not meant, under another prefix."""
    return {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in state(prefix).items()}


def loaded(folder, content, stats=STATS, **layout):
    path = folder / "mine.pth"
    torch.save(content, path)
    return encoder_of_layout("resnet18", path, Layout(**layout), 0, stats)


def is_network(encoder):
    own, theirs = encoder.backbone.state_dict(), state()
    return all(torch.equal(own[name], theirs[name]) for name in own if "num_batches" not in name)


ARGS = argparse.Namespace(arch="resnet18", lr=0.1)
HEAD = {"head.mlp.0.weight": torch.ones(2, 2)}
LAYOUTS = {
    "bare": state(),
    "DataParallel": state("module."),
    "compiled": state("_orig_mod."),
    "Lightning": {"state_dict": state("model.") | {"criterion.weight": torch.ones(3)}, "epoch": 3},
    "MAE": {"model": state() | {"decoder_pred.weight": torch.ones(2)}, "args": ARGS, "optimizer": {"state": {}}},
    "MoCo": {
        "state_dict": state("module.encoder_q.")
        | other("module.encoder_k.")
        | {"module.queue": torch.ones(2, 4), "module.queue_ptr": torch.tensor([1])},
        "arch": "resnet18",
    },
    "DINO": {"student": other("module.backbone."), "teacher": state("backbone.") | HEAD, "args": ARGS, "epoch": 9},
    "DINO in Lightning": {"state_dict": other("student.backbone.") | state("teacher.backbone.")},
    "nested": {"model": {"state_dict": state("backbone.")}},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_usual_layouts_are_found(tmp_path, layout, caplog):
    caplog.set_level(logging.INFO)
    encoder, words = loaded(tmp_path, LAYOUTS[layout])
    assert is_network(encoder)
    assert encoder.stats == STATS
    assert words == f"{TENSORS} of {TENSORS} tensors of resnet18 are in the file"
    assert f"{words}." in caplog.text


def test_key_and_prefix_name_what_is_meant(tmp_path):
    content = {"ema": {"net": other("student.") | state("mine.")}, "model": other("")}
    encoder, _ = loaded(tmp_path, content, key="ema.net", prefix="mine.")
    assert is_network(encoder)
    for layout, sentence in [
        ({"key": "ema.nets"}, "has no entry 'nets' (`key: ema.nets`), but only net: correct `key`."),
        ({"key": "ema.net", "prefix": "x."}, "begins with 'x.' (`prefix`), as in mine.bn1.bias"),
    ]:
        with pytest.raises(UserError) as caught:
            loaded(tmp_path, content, **layout)
        assert sentence in str(caught.value)


def test_safetensors_are_read_too(tmp_path):
    save_file(state("encoder."), tmp_path / "w.safetensors")
    assert is_network(encoder_of_layout("resnet18", tmp_path / "w.safetensors", Layout(), 0, STATS)[0])


def first(share):
    """A share of the tensors that count."""
    names = [name for name in state() if "num_batches" not in name and not name.startswith("fc.")]
    return {name: state()[name] for name in names[: round(share * len(names))]}


def test_60_percent_are_refused_unless_they_are_meant(tmp_path):
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, first(0.6))
    text = str(caught.value)
    assert "mine.pth doesn't fit: 60 of 100 tensors of resnet18 are in the file (40 missing: " in text
    assert text.endswith("or set `partial: true` to leave the others random.")
    assert "\n" not in text
    encoder, words = loaded(tmp_path, first(0.6), partial=True)
    again, _ = loaded(tmp_path, first(0.6), partial=True)
    assert words.startswith("60 of 100 tensors of resnet18 are in the file (40 missing: ")
    own = encoder.backbone.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in first(0.6).items())
    assert not torch.equal(own["layer4.1.conv2.weight"], state()["layer4.1.conv2.weight"])
    assert torch.equal(own["layer4.1.conv2.weight"], again.backbone.state_dict()["layer4.1.conv2.weight"])


def test_95_percent_are_enough_and_the_rest_is_named(tmp_path):
    assert loaded(tmp_path, first(0.95))[1].startswith("95 of 100 tensors of resnet18 are in the file (5 missing: lay")
    with pytest.raises(UserError, match="94 of 100"):
        loaded(tmp_path, first(0.94))
    words = loaded(tmp_path, state() | {"bn1.bias": torch.ones(3)})[1]
    assert words == "99 of 100 tensors of resnet18 are in the file (1 of another shape: bn1.bias)"


def test_another_architecture_is_one_sentence_whatever_is_partial(tmp_path):
    content = torchvision.models.squeezenet1_1(weights=None).state_dict()
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, content, partial=True)
    text = str(caught.value)
    assert "0 of 100 tensors of resnet18 are in the file (100 missing: bn1.bias" in text
    assert "it has besides: classifier.1.bias" in text
    assert text.endswith("correct `encoder`, `prefix` or `key`.")


class Harm:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"model": {}, "epoch": 1}, "holds no tensors by name"),
        ([1, 2], "holds no tensors by name"),
        (
            {"state_dict": state(), "teacher": state()},
            "has the entries state_dict and teacher: save the one that is meant",
        ),
        (state() | {"bn1.bias": torch.full((64,), torch.nan)}, "NaN or infinite, in 1 of 100 tensors (bn1.bias)"),
        (state() | {"bn1.bias": torch.ones(64).to(torch.int32)}, "other than plain floating-point numbers (bn1.bias)"),
    ],
)
def test_other_content_is_refused_in_words(tmp_path, content, sentence):
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, content)
    assert "mine.pth" in str(caught.value)
    assert sentence in str(caught.value)


def test_a_pickle_with_code_is_refused_and_not_executed(tmp_path):
    with pytest.raises(UserError, match="holds more than weights \\(nothing in it was executed\\)"):
        loaded(tmp_path, {"model": state(), "more": Harm(tmp_path / "trace")})
    assert not (tmp_path / "trace").exists()


def test_input_statistics_are_never_guessed(tmp_path):
    with pytest.raises(UserError, match=r"mine\.pth holds no input statistics: give `mean` and `std`"):
        loaded(tmp_path, state(), None)


def test_an_encoder_of_this_project_keeps_its_statistics_unless_others_are_given(tmp_path):
    path, own = tmp_path / "encoder.safetensors", Encoder("resnet18", InputStats((0.1,) * 3, (0.2,) * 3))
    save_encoder(own, path)
    encoder, words = METHOD.start("resnet18", 0, None, METHOD.settings(checkpoint=str(path)))
    assert encoder.stats == own.stats
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), own.parameters(), strict=True))
    assert words == "all tensors of resnet18 are in the file"
    given = METHOD.settings(checkpoint=str(path), mean=list(MEAN), std=list(STD))
    assert METHOD.start("resnet18", 0, None, given)[0].stats == STATS
    with pytest.raises(UserError, match=r"holds a resnet18, but the arm's `encoder` is tf_efficientnet_lite0"):
        METHOD.start("tf_efficientnet_lite0", 0, None, given)


def test_position_embeddings_of_another_size_are_resampled(tmp_path):
    arch = "timm/vit_tiny_patch16_224"
    large = Encoder(arch, STATS, 64)
    content = {f"backbone.{name}": value for name, value in large.backbone.state_dict().items()}
    torch.save({"teacher": content}, tmp_path / "v.pth")
    small, words = encoder_of_layout(arch, tmp_path / "v.pth", Layout(), 0, STATS, 32)
    own, theirs = small.backbone.state_dict(), large.backbone.state_dict()
    assert (own["pos_embed"].shape[1], theirs["pos_embed"].shape[1]) == (5, 17)
    assert torch.equal(own["pos_embed"][:, 0], theirs["pos_embed"][:, 0])
    assert all(torch.equal(own[name], theirs[name]) for name in own if name != "pos_embed")
    assert words == f"{len(own)} of {len(own)} tensors of {arch} are in the file"


def test_the_method_starts_from_its_checkpoint(tmp_path):
    torch.save(LAYOUTS["DINO"], tmp_path / "dino.pth")
    settings = METHOD.settings(checkpoint=str(tmp_path / "dino.pth"), mean=list(MEAN), std=list(STD))
    encoder, words = METHOD.start("resnet18", 0, None, settings)
    assert is_network(encoder)
    assert words.startswith("100 of 100")
    assert METHOD.remarks(settings) == (
        "encoder from the file dino.pth: what it was trained on, and its cost, are not known",
    )


def test_another_hash_than_the_one_that_is_meant_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert local_file(str(path), digest.upper()) == path
    with pytest.raises(UserError, match=rf"w\.pth has the SHA-256 {digest}, but `sha256` says 0000"):
        local_file(str(path), "0" * 64)
    with pytest.raises(UserError, match=r"gone\.pth doesn't exist"):
        local_file(str(tmp_path / "gone.pth"), None)


def test_a_file_on_the_hub_is_pinned_by_revision_and_hash():
    whole = f"hf-hub:me/mine@{REVISION}/model.safetensors"
    assert address_fault(whole, "a" * 64) is None
    assert address_fault("~/weights/mine.pth", None) is None
    assert "`sha256` must name the hash" in address_fault(whole, None)
    for short in ("hf-hub:me/mine/model.pth", "hf-hub:me/mine@main/model.pth", "hf-hub:mine@" + REVISION + "/m.pth"):
        assert "name the whole commit" in address_fault(short, "a" * 64)


class Hub(http.server.BaseHTTPRequestHandler):
    """A stand-in for the hub, with one file."""

    content = b"weights on a hub"

    def answer(self, *, body):
        there = self.path == f"/me/mine/resolve/{REVISION}/model.pth"
        self.send_response(200 if there else 404)
        if there:
            self.send_header("ETag", '"1"')
            self.send_header("X-Repo-Commit", REVISION)
            self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if there and body:
            self.wfile.write(self.content)

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The library asks the stand-in, and keeps its files in a folder of the test."""
    import huggingface_hub.constants as constants

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
        server.shutdown()


def test_a_file_is_downloaded_once_from_the_hub_and_checked(hub):
    checkpoint, digest = f"hf-hub:me/mine@{REVISION}/model.pth", hashlib.sha256(Hub.content).hexdigest()
    assert local_file(checkpoint, digest).read_bytes() == Hub.content
    with pytest.raises(UserError, match=f"has the SHA-256 {digest}, but `sha256` says"):
        local_file(checkpoint, "0" * 64)
    with pytest.raises(UserError, match=r"can't be downloaded from http://127\.0\.0\.1:\d+/me/mine/resolve/0{40}/gone"):
        local_file(f"hf-hub:me/mine@{REVISION}/gone.pth", digest)
    hub.shutdown()
    assert local_file(checkpoint, digest).read_bytes() == Hub.content  # from the cache


def test_without_a_network_the_sentence_says_what_to_do(tmp_path, monkeypatch):
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="without a network, get this file by hand and name its path as `checkpoint`"):
        local_file(f"hf-hub:me/mine@{REVISION}/model.pth", "0" * 64)
