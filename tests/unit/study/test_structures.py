"""Settings of segmentations with several structures, and what is refused about them when the study is read."""

from pathlib import Path

import pytest
from studies import example, fault

from uscl.study.study import Study

PRIMARY = {"arm": "simclr", "reference": "untrained", "task": "neck", "regime": "finetune"}


def config(metric="native_dice", dataset=None, **task):
    """The example with a segmentation of two structures."""
    given = example()
    given["datasets"]["neck"] = {"kind": "image_mask_pairs", "data_root": "/data/neck"} | (dataset or {})
    given["tasks"]["neck"] = {
        "kind": "segmentation",
        "dataset": "neck",
        "structures": {"nerve": 1, "vessel": 2},
        "finetune": {"epochs": 1, "batch_size": 4, "lr": 1e-3},
    } | task
    given["primary"] = [PRIMARY | {"metric": metric}]
    return given


def test_structures_and_tolerance_reach_the_jobs_that_need_them():
    found = Study.from_config(config(surface_tolerance={"mm": 0.5}, metric="native_nsd_vessel"), Path.cwd())
    assert found.finetune_settings("neck")["structures"] == {"nerve": 1, "vessel": 2}
    native = found.native("neck")
    assert (native["structures"], native["tolerance"]) == ({"nerve": 1, "vessel": 2}, {"mm": 0.5})
    assert "structures" not in found.finetune_settings("segmentation")
    assert found.native("segmentation") == {"structures": {}, "tolerance": {}}
    assert found.native("pocus") == {}
    assert [Path(file).name for file in found.native_files("neck")] == ["native_masks.parquet", "manifest.parquet"]
    assert found.native_files("pocus") == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"structures": {"nerve": 1}}, "tasks.neck.structures"),
        ({"structures": {"nerve": 1, "vessel": 1}}, "gives one label to two structures"),
        ({"structures": {"nerve": 1, "Nerve": 2}}, "has names that differ only in case"),
        ({"structures": {"nerve": 1, "vessel": 256}}, "tasks.neck.structures.vessel"),
        ({"structures": {"nerve": 1, "a vessel": 2}}, "a vessel"),
        ({"surface_tolerance": {}}, "tasks.neck.surface_tolerance needs either `mm` or `px`, and not both"),
        ({"surface_tolerance": {"mm": 1, "px": 2}}, "tasks.neck.surface_tolerance needs either `mm` or `px`"),
        ({"surface_tolerance": {"px": 0}}, "tasks.neck.surface_tolerance.px"),
    ],
)
def test_structures_that_cannot_be_are_refused(change, sentence):
    assert sentence in (fault(config(**change)) or "")


def test_several_structures_in_a_set_with_one_are_refused():
    given = config()
    given["tasks"]["neck"]["dataset"] = given["tasks"]["segmentation"]["dataset"]
    found = fault(given)
    assert found.startswith("Config: tasks.neck has several `structures`, but the masks of datasets.")
    assert found.endswith("(busi) show one: remove `structures`.")


def test_a_structure_whose_label_the_reader_leaves_out_is_refused():
    found = fault(config(dataset={"labels": [1, 3]}))
    assert (
        "tasks.neck.structures has vessel (label 2), but datasets.neck.labels keeps only 1, 3: add it there." in found
    )


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("native_dice_skin", "'native_dice_skin' is of no structure of tasks.neck, which has nerve, vessel."),
        ("native_nsd", "'native_nsd' needs tasks.neck.surface_tolerance: give it, or take another metric."),
        ("median_dice", "'median_dice' has no method test"),
    ],
)
def test_a_primary_comparison_in_a_metric_that_a_task_lacks_is_refused(metric, sentence):
    assert sentence in fault(config(metric=metric))
    assert fault(config(metric="mm_hd95_vessel")) is None


def test_a_structure_of_a_task_with_one_is_refused():
    given = config()
    given["primary"] = [PRIMARY | {"task": "segmentation", "metric": "dice_nerve"}]
    sentence = "'dice_nerve' is of a structure nerve, and tasks.segmentation has no `structures`: name dice."
    assert sentence in fault(given)
