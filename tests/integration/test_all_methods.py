"""Every method, and one in a file of the user's, trains in a small study; a second call does nothing."""

from pathlib import Path

import pandas as pd
import pytest

from tests.documents import ROOT, blocks
from tests.integration.calls import copy_of_checkout, planned, snakemake, succeeds, tiny, write_study
from uscl.pretrain.methods import methods

pytestmark = pytest.mark.e2e

TRAINED = [name for name, method in methods().items() if method.trains]
OWN = "align_uniform"


def study():
    """The tiny study with every method that trains, on one task, on frozen features."""
    settings = tiny() | {"tracking": "none", "results": "results", "primary": [], "comparisons": []}
    settings |= {"authors_protocol": [], "label_fractions": None}
    settings["tasks"] = {"busi": settings["tasks"]["busi"] | {"regimes": ["linear"]}}
    settings["datasets"] = {name: settings["datasets"][name] for name in ("sim_pool", "sim_breast")}
    settings["methods"] = {"imagenet": {"method": "imagenet"}}
    settings["methods"] |= {name: {"method": name, "epochs": 1} for name in TRAINED}
    settings["methods"]["mine"] = {"method": f"./{OWN}.py", "epochs": 1, "pairs": "temporal"}
    return settings


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose study is done, and its study file."""
    folder = tmp_path_factory.mktemp("methods")
    project = copy_of_checkout(folder / "project")
    (code,) = blocks(ROOT / "docs/how-to/own-method.md", "python")
    (project / f"{OWN}.py").write_text(code)
    file = write_study(folder / "study.yaml", study())
    succeeds(project, study=file)
    return project, file


def test_every_arm_is_in_the_table_and_has_learned_without_a_fault_of_its_own(finished):
    project, _ = finished
    table = pd.read_csv(project / "results/table.csv")
    assert set(table["arm"]) == {"imagenet", "mine", *TRAINED}
    assert table["mean"].notna().all()
    for arm in ("mine", *TRAINED):
        history = pd.read_csv(project / f"results/encoders/{arm}/seed0/history.csv")
        assert history[["loss", "validation_loss", "rank"]].notna().all(axis=None), arm
        assert history["movement"].iloc[-1] > 0, arm
    assert f'"method": "{OWN}"' in (project / "results/encoders/mine/seed0/run.json").read_text()


def test_a_second_call_has_nothing_to_do(finished):
    project, file = finished
    assert "Nothing to be done" in snakemake(project, "--cores", "1", study=file).stdout


def test_an_edit_of_ones_own_method_trains_its_arm_again_and_no_other(finished):
    project, file = finished
    own = project / f"{OWN}.py"
    before = own.read_text()
    try:
        own.write_text(before + "# edited\n")
        plan = planned(project, study=file)
        assert plan["pretrain"] == plan["features"] == plan["probe"] == 1
        own.write_text(before.replace("alignment =", "alignment ="))
        assert planned(project, study=file) == {}
        own.write_text("def broken(:\n")
        call = snakemake(project, "--cores", "1", study=file)
        assert call.returncode == 1
        assert f"The method ./{OWN}.py can't be loaded: line 1: " in call.stdout
        assert "Traceback" not in call.stdout
    finally:
        own.write_text(before)
    assert Path(own).read_text() == before
