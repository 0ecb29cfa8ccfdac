"""What pages of the documentation say of settings, against the settings themselves."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from uscl.pretrain.methods.meta_uscl import MetaUSCL
from uscl.study.schema import PoolParts
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]
PUBLIC = (ROOT / "docs/how-to/public-data.md").read_text(encoding="utf-8")
WEIGHT_NET = (ROOT / "docs/explanation/weight-net.md").read_text(encoding="utf-8")


def test_the_command_for_a_first_look_shortens_every_training():
    (command,) = re.findall(r"--config \\\n(.*?)\n```", PUBLIC, re.DOTALL)
    config = yaml.safe_load((ROOT / "config/public.yaml").read_text(encoding="utf-8"))
    for setting in shlex.split(command.replace("\\\n", " ")):
        key, value = setting.split("=", 1)
        update_config(config, {key: yaml.safe_load(value)})
    study = Study.from_config(config, ROOT)
    epochs = {arm: settings.epochs for arm, settings in study.settings.methods.items() if study.method(arm).trains}
    assert set(epochs.values()) == {5}, epochs
    assert {task.finetune.epochs for task in study.settings.tasks.values()} == {2}


@pytest.fixture(scope="module")
def published_and_experiment():
    """Every setting that the weight net's experiment sets: its published value and its own."""
    from benchmarks import weight_net as experiment

    published = {**MetaUSCL().model_dump(), "encoder": "resnet18", "frame_size": (64, 224)}
    own = {"encoder": experiment.ENCODER, "frame_size": experiment.SIZE, "epochs": experiment.EPOCHS}
    own |= {"init": "imagenet"} | experiment.SETTINGS
    parts = {"pool_parts": (PoolParts().model_dump(), experiment.SHARES._asdict())}
    groups = parts | {"meta": (published.pop("meta"), experiment.META)}
    for name, (usual, other) in groups.items():
        published |= {f"{name}.{key}": value for key, value in usual.items()}
        own |= {f"{name}.{key}": value for key, value in other.items()}
    return {key: (published[key], value) for key, value in own.items()}


def test_the_table_of_the_weight_nets_experiment_has_all_its_departures(published_and_experiment):
    head = r"^\| setting \| published \| this experiment \|\n.*\n"
    (table,) = re.findall(rf"{head}((?:\|.*\n)+)", WEIGHT_NET, re.MULTILINE)
    rows = {}
    for line in table.splitlines():
        name, published, own = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name.split("`")[1]] = (published, own)
    differ = {key: values for key, values in published_and_experiment.items() if values[0] != values[1]}
    assert rows.keys() == differ.keys()
    for key, (published, own) in differ.items():
        assert rows[key] == (written(published), written(own)), key


def written(value):
    """A value as the table writes it."""
    if isinstance(value, tuple):
        return " or ".join(map(str, value))
    return re.sub("e-0", "e-", f"{value:.0e}") if isinstance(value, float) and value < 1e-2 else str(value)
