"""Arms of features and predictions from files: where they take part, what is refused, what they rest on."""

import copy
from pathlib import Path

import pytest
from studies import example

from uscl.base.errors import UserError
from uscl.study import keys, rules
from uscl.study.given_arms import file_faults
from uscl.study.study import Evaluation, Study
from uscl.tracking.plan import plan_of

ROOT = Path(__file__).parents[3]
FEATURES = {"method": "features", "file": "features.parquet"}
PREDICTIONS = {"method": "predictions", "folder": "predictions"}


def study(feats=None, preds=None, **changes):
    config = copy.deepcopy(example())
    config["methods"] |= {"feats": FEATURES | (feats or {}), "preds": PREDICTIONS | (preds or {})}
    return Study.from_config(config | changes, ROOT)


def places(found, arm):
    return [(each.task, each.regime) for each in found.evaluations if arm in found.evaluated(each)]


def test_features_are_probed_and_predictions_compared_in_one_regime():
    found = study()
    assert places(found, "feats") == [("pocus", "linear"), ("busi", "linear")]
    assert places(found, "preds") == [("pocus", "finetune"), ("busi", "finetune"), ("segmentation", "finetune")]
    found = study({"tasks": ["busi"]}, {"regime": "linear"})
    assert places(found, "feats") == [("busi", "linear")]
    assert places(found, "preds") == [("pocus", "linear"), ("busi", "linear")]
    assert len(places(found, "simclr")) == 5


def test_the_table_names_the_evaluations_that_they_have_no_part_in():
    missing = study({"tasks": ["busi"]}).missing_evaluations()
    assert missing[0] == (None, "segmentation", "linear", "segmentation has no such probe")
    assert ("feats", "busi", "finetune", "features from a file can only be probed") in missing
    assert ("feats", "pocus", "linear", "not among methods.feats.tasks") in missing
    assert ("preds", "busi", "linear", "its predictions are compared in the regime finetune") in missing
    assert len(missing) == 7


def test_jobs_and_files_are_those_that_an_arm_without_an_encoder_has():
    found = study()
    assert not any("feats" in path or "preds" in path for path in found.encoder_outcomes())
    assert found.with_features == [arm for arm in found.arms if arm != "preds"]
    assert [arm for arm in found.encoded if arm in ("feats", "preds")] == []
    outcomes = found.cell_outcomes(*found.evaluations)
    assert sum("feats" in path for path in outcomes) == 2
    assert sum("preds" in path for path in outcomes) == 3
    assert found.features("sim_lung", "feats", 3) == "results/features/sim_lung/feats.npy"
    assert found.features("sim_lung", "simclr", 3) == "results/features/sim_lung/simclr-seed3.npy"
    assert study(authors_protocol=["busi"]).authors_outcomes() == [
        f"results/authors_protocol/busi/{arm}/seed0/outcome.json" for arm in found.encoded
    ]


def test_label_fractions_are_for_features_and_not_for_predictions():
    found = study(None, {"regime": "linear"})
    assert "feats" in found.evaluated(Evaluation("busi", "linear", 5))
    assert "preds" not in found.evaluated(Evaluation("busi", "linear", 5))
    assert "preds" in found.evaluated(Evaluation("busi", "linear", 100))


def test_the_tracker_expects_the_cells_that_there_will_be():
    found = study()
    cells = plan_of(found).cells
    assert [cell for cell in cells if cell[2] == "feats"] == [("pocus", "linear", "feats"), ("busi", "linear", "feats")]
    assert len(cells) == sum(len(found.evaluated(each)) for each in found.evaluations)
    assert set(found.arms) - set(plan_of(found).encoders) == {"feats", "preds"}
    assert plan_of(found).encoders["imagenet"] == found.settings.encoder


@pytest.mark.parametrize(
    ("feats", "preds", "sentence"),
    [
        (
            {"tasks": ["bus"]},
            {},
            "methods.feats.tasks names 'bus', but `tasks` has only pocus, busi, segmentation;",
        ),
        (
            {"tasks": ["segmentation"]},
            {},
            "methods.feats.tasks names 'segmentation', but features from a file can only be probed (linear, knn), and"
            " tasks.segmentation.regimes has only finetune.",
        ),
        ({}, {"regime": "probe"}, "methods.preds.regime: 'probe' is not one of finetune, last_block, linear, knn"),
        ({}, {"regime": "knn"}, "methods.preds: no task can evaluate it, but its regime is knn, and tasks.pocus"),
        (
            {},
            {"regime": "linear", "tasks": ["busi", "segmentation"]},
            "methods.preds.tasks names 'segmentation', but its regime is linear, and tasks.segmentation.regimes has",
        ),
        ({"tasks": []}, {}, "methods.feats.tasks must not be empty."),
        ({"lr": 1}, {}, "methods.feats: 'lr' belongs to"),
        ({"stream": 1}, {}, "methods.feats: 'stream' belongs to"),
    ],
)
def test_what_no_task_can_evaluate_is_refused_when_the_study_is_planned(feats, preds, sentence):
    with pytest.raises(UserError) as caught:
        study(feats, preds)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_features_in_a_study_without_probes_are_refused():
    tasks = {"segmentation": example()["tasks"]["segmentation"]}
    with pytest.raises(UserError, match=r"methods\.feats: no task can evaluate it, but features from a file can only"):
        study(tasks=tasks, label_fractions=None)


def test_a_primary_comparison_where_an_arm_is_not_evaluated_is_refused():
    each = {"arm": "feats", "reference": "imagenet", "task": "busi", "regime": "finetune", "metric": "macro_f1"}
    with pytest.raises(UserError, match=r"primary\.0 names feats, which is not evaluated on busi \(finetune\): feat"):
        study(primary=[each])
    study(primary=[each | {"regime": "linear"}])


def test_the_content_of_a_file_is_a_part_of_its_cells_keys(tmp_path):
    folder = tmp_path / "predictions"
    folder.mkdir()
    features = tmp_path / "features.parquet"
    for path in (features, folder / "busi.csv", folder / "pocus.csv"):
        path.write_text("one")
    found = study({"file": str(features)}, {"folder": str(folder)})

    def all_keys():
        cells = [("feats", "busi", "linear"), ("preds", "busi", "finetune"), ("preds", "pocus", "finetune")]
        cells.append(("simclr", "busi", "linear"))
        return [keys.cell_key(found, Evaluation(task, regime, 100), arm, 0) for arm, task, regime in cells]

    before = all_keys()
    assert len(set(before)) == 4
    features.write_text("other")
    feats, *others = all_keys()
    assert feats != before[0]
    assert others == before[1:]
    assert rules.checked_given(found)[0]["content"] == keys.content(str(features))
    (folder / "busi.csv").write_text("other")
    assert [one == other for one, other in zip(all_keys(), before, strict=True)] == [False, False, True, True]


def test_a_file_that_is_missing_or_there_twice_is_named(tmp_path):
    found = study({"file": str(tmp_path / "f.parquet")}, {"folder": str(tmp_path), "tasks": ["busi", "pocus"]})
    (tmp_path / "busi.csv").touch()
    faults = list(file_faults(found.settings))
    assert len(faults) == 2
    assert f"methods.feats takes features from {tmp_path}/f.parquet, which doesn't exist: correct `file`" in faults[0]
    assert "`uscl template features`" in faults[0]
    assert f"takes predictions from {tmp_path}/pocus.csv, which doesn't exist: correct `folder`" in faults[1]
    assert "`uscl template predictions --task pocus`" in faults[1]
    for name in ("f.parquet", "pocus.csv", "pocus.parquet"):
        (tmp_path / name).touch()
    (fault,) = file_faults(found.settings)
    assert fault == f"methods.preds: {tmp_path}/pocus is there as .csv and as .parquet: remove one of them."
