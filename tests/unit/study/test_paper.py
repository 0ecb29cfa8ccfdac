"""config/paper.yaml against the authors' released code: every key that the release knows has its value."""

from pathlib import Path

import pytest
import yaml

from uscl.evaluate import authors_protocol
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]

META = "github.com/Schuture/Meta-USCL"
TRAIN, LOADER = f"{META}, train.py", f"{META}, dataloader.py"
POCUS = f"{META}, eval_pretrained_model_on_POCUS/train.py"
USCL = "github.com/983632847/USCL, train_USCL"

# What all arms of Meta-USCL's own script share.
SHARED = [
    ("init", "random", f"{TRAIN}: --pretrained is off"),
    ("epochs", 300, f"{TRAIN}: --epochs"),
    ("batch_size", 32, f"{TRAIN}: --batch_size"),
    ("batchnorm", "per_view", f"{TRAIN}, train_step: model(xl), then model(xr)"),
    ("lr", 0.1, f"{TRAIN}: --lr"),
    ("momentum", 0.9, f"{TRAIN}: torch.optim.SGD"),
    ("weight_decay", 1e-4, f"{TRAIN}: --weight_decay"),
    ("warmup_epochs", 10, f"{TRAIN}: --warmup"),
    ("temperature", 0.5, f"{TRAIN}: --temperature"),
    ("max_dist", 999, f"{TRAIN}: --max_dist"),
    ("triples", "released", f"{LOADER}, USDataset_video: sorted distances, then the first frame"),
]
WEIGHT_NET = [
    ("meta.batch_size", 32, f"{TRAIN}: --meta_batch_size"),
    ("meta.lr", 6e-5, f"{TRAIN}: --lr_cmwnet"),
    ("meta.every", 1, f"{TRAIN}, train_step: the weight net learns in each"),
    ("meta.update", "published", f"{TRAIN}, train_step: virtual step, weight net, main step"),
    ("meta.detach_features", False, f"{TRAIN}, train_step: cmwnet gets rl and rr with their graph"),
]
ARMS = {
    "meta_uscl": [*SHARED, *WEIGHT_NET, ("weights", "learned", f"{TRAIN}: --meta is on by default")],
    "constant": [*SHARED, ("weights", "constant", f"{TRAIN}: with --meta, which turns it off, weights are None")],
    "simclr": [*SHARED, ("pairs", "frame", f"{TRAIN}: with --samples 1, two views of one frame")],
    "uscl": [
        ("init", "random", f"{USCL}/config.yaml: pretrained"),
        ("epochs", 300, f"{USCL}/config.yaml: epochs"),
        ("batch_size", 32, f"{USCL}/config.yaml: batch_size"),
        ("batchnorm", "per_view", f"{USCL}/simclr.py: model(xis), then model(xjs)"),
        ("lr", 3e-4, f"{USCL}/simclr.py: torch.optim.Adam"),
        ("weight_decay", 1e-4, f"{USCL}/config.yaml: weight_decay"),
        ("temperature", 0.5, f"{USCL}/config.yaml: temperature"),
        ("label_weight", 0.2, f"{USCL}/run.py: lumbda, default=0.2"),
        ("settings", "released", f"{USCL}: out_dim 256, and the augmentation of its data wrapper"),
    ],
}
STUDY = [
    ("encoder", "resnet18", f"{TRAIN}: --model ResNet, --depth 18"),
    ("frame_size", 224, f"{META}, README 4.1: --input_shape 224 of the published 94.6 % (the script's default is 64)"),
    ("precision", "32-true", f"{TRAIN}: --fp16_precision is off"),
    ("device", "cuda", f"{META}, loss.py: the weights go to cuda"),
    ("pool", "butterfly", f"{TRAIN}: --data_path Butterfly"),
    ("pool_parts.meta", 0.2, f"{TRAIN}: --valid_ratio, whose videos also are the meta videos"),
    ("splits.folds", 5, f"{POCUS}: covid_data1.pkl to covid_data5.pkl"),
    ("tasks.pocus.dataset", "pocus_folds", f"{POCUS}: --data_dir covid_5_fold"),
    ("tasks.pocus.finetune.epochs", 30, f"{POCUS}: MAX_EPOCH"),
    ("tasks.pocus.finetune.batch_size", 128, f"{POCUS}: BATCH_SIZE"),
    ("tasks.pocus.finetune.lr", 1e-2, f"{POCUS}: LR"),
    ("tasks.pocus.finetune.weight_decay", 1e-4, f"{POCUS}: weight_decay"),
    ("authors_protocol", ["pocus"], f"{POCUS}, as a whole"),
]
ROWS = [(f"methods.{arm}.{key}", value, source) for arm, rows in ARMS.items() for key, value, source in rows] + STUDY

# Keys of an arm that the release has nothing for, or that have no effect on the arm.
OURS = {
    "method": "names the arm",
    "stream": "0 is the study's own",
    **dict.fromkeys(("encoder", "input_size"), "nothing: the study's own"),
    **dict.fromkeys(("mean", "std"), "nothing: those of the method"),
    "remainder": "the release keeps a last batch of any size: docs/explanation/deviations.md",
    "train_on": "the release trains on meta videos: docs/explanation/deviations.md",
    "meta.keep_convolutions": "changes no result",
}
WITHOUT_EFFECT = {
    "constant": {key for key, _, _ in WEIGHT_NET},  # it trains no weight net
    "uscl": {"warmup_epochs"},  # its released schedule has no warm-up
}


@pytest.fixture(scope="module")
def settings():
    study = Study.from_config(yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8")), ROOT)
    found = dict(flat(study.settings.given()))
    # The published warm-up is the default where the budget has room for it.
    warmups = {arm: getattr(method, "warmup", None) for arm, method in study.settings.methods.items()}
    return found | {f"methods.{arm}.warmup_epochs": warmup for arm, warmup in warmups.items()}


def flat(settings, prefix=""):
    """Every key with its path and its value."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.mark.parametrize(("key", "released", "source"), ROWS, ids=[key for key, _, _ in ROWS])
def test_the_paper_study_has_the_released_value(settings, key, released, source):
    assert settings[key] == released, source


@pytest.mark.parametrize("arm", ARMS)
def test_no_key_of_a_published_arm_is_left_out(settings, arm):
    keys = {key.removeprefix(f"methods.{arm}.") for key in settings if key.startswith(f"methods.{arm}.")}
    compared = {key for key, _, _ in ARMS[arm]}
    assert keys == compared | set(OURS) & keys | WITHOUT_EFFECT.get(arm, set())
    assert not compared & set(OURS)


def test_the_last_block_is_what_pocus_is_scored_by(settings):
    assert settings["tasks.pocus.regimes"][0] == "last_block"  # POCUS script: finetune_mode 'last_three', layer4.1


@pytest.mark.parametrize(
    ("name", "released"),
    [
        ("EPOCHS", 30),
        ("BATCH", 128),
        ("LR", 1e-2),
        ("WEIGHT_DECAY", 1e-4),
        ("CROP", (0.8, 1.0)),
        ("RATIO", (0.8, 1.25)),
        ("STATISTICS", ((0.18,) * 3, (0.24,) * 3)),
    ],
)
def test_the_authors_protocol_has_the_values_of_their_script(name, released):
    assert getattr(authors_protocol, name) == released
