"""Sets that UltraBench has prepared: settings, the registry, and the study that comes with the project."""

from pathlib import Path

import pytest
import yaml
from studies import example, fault

from uscl.study.study import Study

ROOT = Path(__file__).parents[3]
OWN = {"kind": "ultrabench", "data_root": "data/ultrabench/aul_mass_v1.0.1"}
TASK = {"kind": "classification", "dataset": "mine", "regimes": ["linear"]}


def config(dataset=OWN, **task):
    found = example()
    found["datasets"]["mine"] = dataset
    found["tasks"]["mine"] = TASK | task
    return found


def test_the_study_of_ultrabench_has_probes_of_its_classifications_on_the_given_split():
    study = Study.from_config(yaml.safe_load((ROOT / "config/ultrabench.yaml").read_text()), ROOT)
    assert len(study.settings.tasks) == 7
    assert study.given == list(study.settings.tasks)
    assert {each.regime for each in study.evaluations} == {"linear", "knn"}
    for task in study.settings.tasks.values():
        assert study.data.options(task.dataset) == {"mask": None, "classes": None, "part": "part"}
        missing = study.data.missing(task.dataset)
        assert "run `ultrabench " in missing
        assert f"(expected in data/ultrabench/{task.dataset}_v1.0.1)" in missing
        entry = study.data.entry(task.dataset)
        assert "classification" in entry["used_for"]
        assert "TMLR 2025" in entry["citation"]
    assert study.data.expected("aul_mass")["images"] == 735
    assert study.expected_groups("fatty_liver") == 55


def test_patients_of_two_prepared_sets_are_not_the_same():
    found = config()
    found["datasets"]["other"] = OWN | {"data_root": "data/ultrabench/camus_v1.0.1"}
    data = Study.from_config(found, ROOT).data
    assert len({data.namespace(name) for name in ("mine", "other", "sim_lung")}) == 3


@pytest.mark.parametrize(
    ("dataset", "task", "message"),
    [
        (OWN | {"table": "t.csv"}, {}, "datasets.mine has `table`, but UltraBench's records name groups and labels"),
        (OWN | {"patient": "p"}, {}, "datasets.mine has `patient`, but UltraBench's records name groups and labels"),
        (
            {"kind": "image_folder", "data_root": "x", "mask": "m"},
            {},
            "datasets.mine has `mask`, which is for kind ultrabench, not for image_folder: remove it.",
        ),
        (
            {"kind": "image_folder", "data_root": "x", "partial": True},
            {},
            "datasets.mine has `partial`, which is for kind ultrabench, not for image_folder: remove it.",
        ),
        (OWN, {"splits": {"given": "folder"}}, "tasks.mine.splits.given must be `part` for UltraBench, not 'folder'."),
        (OWN, {"splits": {"given": "part"}}, None),
        (OWN | {"mask": "mass_mask", "partial": True}, {}, None),
    ],
)
def test_settings_that_do_not_fit_are_refused(dataset, task, message):
    found = fault(config(dataset, **task))
    assert found is None if message is None else message in found
