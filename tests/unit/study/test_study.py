import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
from studies import example

from uscl.base.errors import UserError
from uscl.jobs.outcome import write_done, write_failed
from uscl.stats.level_names import LEVELS, RULES
from uscl.stats.levels import LEAVE_OUT, STOP
from uscl.study import keys, rules, waiting
from uscl.study.figures import FIGURES, RANKINGS
from uscl.study.planning import plan, without
from uscl.study.schema import StudySettings
from uscl.study.study import Evaluation, Study

ROOT = Path(__file__).parents[3]
EXAMPLE = example()


def study(results="results", **changed):
    return Study.from_config(copy.deepcopy(EXAMPLE) | {"results": str(results)} | changed, ROOT)


def test_arms_evaluations_and_comparisons_follow_the_file():
    found = study()
    assert found.arms == list(EXAMPLE["methods"])
    assert found.published == ["imagenet"]
    assert found.from_pool == [arm for arm in found.arms if arm != "imagenet"]
    assert found.pretrained == ["simclr", "uscl", "constant", "shuffled", "meta_uscl"]
    assert [found.init(arm) for arm in found.arms[:4]] == ["random", "imagenet", "imagenet", "random"]
    assert found.evaluations[0] == Evaluation("pocus", "finetune", 100)
    assert len(found.evaluations) == 5
    assert found.comparisons[:2] == [["untrained", "imagenet"], ["imagenet_calibrated", "imagenet"]]
    # Then every pretrained arm with its start, without being named.
    starts = [[arm, "untrained"] for arm in found.pretrained]
    assert found.comparisons[7:12] == starts
    assert found.comparisons[-1] == ["meta_uscl", "shuffled"]
    assert len(found.comparisons) == len({tuple(pair) for pair in found.comparisons})
    assert found.missing_evaluations() == [(None, "segmentation", "linear", "segmentation has no such probe")]
    assert {evaluation.labels for evaluation in found.label_fractions} == {5, 10, 25, 100}
    assert {evaluation.task for evaluation in found.label_fractions} == {"pocus", "busi"}


def test_few_labels_are_drawn_several_times_and_all_labels_once():
    found = study(label_fractions={"percent": [10, 100], "shots": [5], "draws": 3, "regime": "linear"})
    assert [each.labels for each in found.label_fractions if each.task == "busi"] == [10, 100, "5shots"]
    busi = [each.labels for each in found.label_cells if each.task == "busi"]
    assert busi == [10, "10draw1", "10draw2", 100, "5shots", "5shotsdraw1", "5shotsdraw2"]
    assert found.label_intervals()[:3] == [
        "results/statistics/pocus-linear-labels10/over_draws/intervals.csv",
        "results/statistics/pocus-linear-labels100/intervals.csv",
        "results/statistics/pocus-linear-labels5shots/over_draws/intervals.csv",
    ]
    assert found.cell(found.label_cells[1], "simclr", 0) == "results/cells/pocus/linear/labels10draw1/simclr/seed0"


def test_more_draws_change_no_key_of_the_first(tmp_path):
    one, three = (study(label_fractions={"percent": [10], "draws": draws, "regime": "linear"}) for draws in (1, 3))
    first = Evaluation("busi", "linear", 10)
    assert one.label_intervals()[1] == "results/statistics/busi-linear-labels10/intervals.csv"
    assert keys.cell_key(one, first, "simclr", 0) == keys.cell_key(three, first, "simclr", 0)
    again = first._replace(labels="10draw1")
    assert keys.cell_key(three, again, "simclr", 0) != keys.cell_key(three, first, "simclr", 0)


def test_scaling_and_operating_points_are_there_only_if_a_task_names_them():
    plain, task = study(), example()["tasks"]["busi"]
    scales = study(tasks={"busi": task | {"temperature_scaling": True, "operating_points": {"specificity": [0.9]}}})
    for regime in task["regimes"]:
        each = Evaluation("busi", regime, 100)
        assert keys.cell_key(plain, each, "simclr", 0) != keys.cell_key(scales, each, "simclr", 0)
    assert plain.with_operating_points == []
    assert {each.task for each in scales.with_operating_points} == {"busi"}
    assert scales.operating_points("busi") == {"specificity": [0.9]}
    assert (scales.scaling("busi"), plain.scaling("busi")) == ({"temperature_scaling": True}, {})
    assert scales.finetune_settings("busi") == plain.finetune_settings("busi") | {"temperature_scaling": True}


def test_automatic_devices_are_those_of_the_machine_where_the_call_begins(monkeypatch):
    monkeypatch.delenv("USCL_GPUS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert study(devices="auto").devices == 1  # device: cpu
    assert study(devices=3).devices == 3
    assert study(device="cuda", devices="auto").devices == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")  # of a node on which a job of this call runs
    assert study(device="cuda", devices="auto").devices == 2


def test_more_threads_are_other_runs_and_one_is_what_runs_had_before():
    one, two = study(), study(threads=2)
    assert keys.threads_key(one) == []
    assert keys.encoder_key(one, "simclr", 0) != keys.encoder_key(two, "simclr", 0)
    assert keys.encoder_key(one, "imagenet", 0) == keys.encoder_key(two, "imagenet", 0)


def test_a_method_gets_all_its_settings_and_not_where_it_starts():
    settings = study().method_settings("simclr")
    assert (settings["epochs"], settings["lr"], settings["temperature"]) == (30, 0.03, 0.5)
    assert not {"method", "init"} & set(settings)


def test_the_meta_set_is_held_out_only_if_an_arm_learns_weights():
    methods = EXAMPLE["methods"]
    assert study().pool_shares == {"validation": 0.1, "meta": 0.2}
    for weights, shares in [("shuffled", {"validation": 0.1, "meta": 0.2}), ("constant", {"validation": 0.1})]:
        arms = {"simclr": methods["simclr"], "ours": {"method": "meta_uscl", "weights": weights}}
        assert study(methods=arms, reference="simclr", comparisons=[]).pool_shares == shares
    arms = {"simclr": methods["simclr"]}
    found = study(methods=arms, reference="simclr", comparisons=[], pool_parts={"validation": 0.3, "meta": 0.5})
    assert found.pool_shares == {"validation": 0.3}
    assert study(pool_parts={"meta": 0.4}).pool_shares == {"validation": 0.1, "meta": 0.4}


def test_a_twin_of_an_arm_has_another_stream():
    found = study(methods=EXAMPLE["methods"] | {"twin": EXAMPLE["methods"]["simclr"] | {"stream": 1}})
    assert (found.stream("simclr"), found.stream("twin")) == (0, 1)
    assert keys.encoder_key(found, "simclr", 0) != keys.encoder_key(found, "twin", 0)


def test_the_table_says_which_arms_are_controls():
    found = study()
    remarked = {arm: found.remarks(arm) for arm in found.arms if found.remarks(arm)}
    assert remarked == {
        "constant": ("a control: its pairs have constant weights",),
        "shuffled": ("a control: its pairs have shuffled weights",),
    }


def test_other_folds_are_another_file():
    assert study().splits("busi", 0) == "results/splits/busi-3x4-seed0.csv"
    assert study(splits={"folds": 15, "inner": 4}).splits("busi", 0) == "results/splits/busi-15x4-seed0.csv"


def test_every_training_has_folds_of_its_own_unless_they_are_shared():
    own = study(seeds=[3, 5])
    assert own.all_splits("busi") == ["results/splits/busi-3x4-seed3.csv", "results/splits/busi-3x4-seed5.csv"]
    shared = study(seeds=[3, 5], splits={"folds": 3, "inner": 4, "partitions": "shared"})
    assert shared.all_splits("busi") == ["results/splits/busi-3x4-seed3.csv"] * 2
    evaluation = Evaluation("busi", "linear", 100)
    found_keys = {keys.cell_key(found, evaluation, "imagenet", 5) for found in (own, shared)}
    assert len(found_keys) == 2
    assert keys.cell_key(own, evaluation, "imagenet", 3) == keys.cell_key(shared, evaluation, "imagenet", 3)


def test_a_pretrained_arm_starts_where_the_untrained_arm_of_its_init_and_stream_is():
    methods = {
        "imagenet": {"method": "imagenet"},
        "short": {"method": "untrained", "init": "random", "epochs": 10},
        "start": {"method": "untrained", "init": "random", "epochs": 30},
        "other": {"method": "untrained", "init": "random", "epochs": 30, "stream": 1},
        "of_imagenet": {"method": "untrained", "init": "imagenet", "epochs": 30},
        "simclr": {"method": "simclr", "init": "random", "epochs": 30},
        "again": {"method": "simclr", "init": "random", "epochs": 30, "stream": 1},
        "adapted": {"method": "simclr", "init": "imagenet", "epochs": 30},
    }
    found = study(methods=methods, comparisons=[])
    assert [found.start(arm) for arm in ("simclr", "again", "adapted")] == ["start", "other", "of_imagenet"]
    assert ["adapted", "of_imagenet"] in found.comparisons
    del methods["of_imagenet"]
    assert study(methods=methods, comparisons=[]).start("adapted") is None


PRIMARY = {"arm": "simclr", "reference": "untrained", "task": "busi", "regime": "linear", "metric": "macro_f1"}


def test_a_primary_comparison_is_among_the_comparisons_and_has_a_level():
    found = study(primary=[PRIMARY | {"reference": "uscl", "metric": "f1_benign"}])
    assert found.comparisons[-1] == ["simclr", "uscl"]
    assert found.primary[0]["level"] == "frame"
    assert found.margins == {}


def of_levels(**levels):
    """The tasks of the example with the levels of some."""
    tasks = copy.deepcopy(EXAMPLE["tasks"])
    for task, named in levels.items():
        tasks[task]["levels"] = named
    return tasks


def test_a_primary_comparison_takes_the_first_level_of_its_task_or_one_that_it_names():
    tasks = of_levels(busi=["patient", "frame"])
    assert study(tasks=tasks, primary=[PRIMARY]).primary[0]["level"] == "patient"
    assert study(tasks=tasks, primary=[PRIMARY | {"level": "frame"}]).primary[0]["level"] == "frame"
    assert study(tasks=tasks).main_level("busi") == "patient"
    assert study(tasks=tasks).levels("busi")["levels"] == ["patient", "frame"]
    assert (study().main_level("busi"), study().levels("busi")["levels"]) == ("frame", None)
    assert study().levels("segmentation") == {}


def test_levels_are_for_classification():
    with pytest.raises(UserError, match="'levels' belongs to classification, not to segmentation"):
        study(tasks=of_levels(segmentation=["frame"]))


def test_levels_change_nothing_that_a_cell_rests_on():
    evaluation, others = Evaluation("busi", "linear", 100), study(tasks=of_levels(busi=["patient"]))
    assert keys.cell_key(others, evaluation, "simclr", 0) == keys.cell_key(study(), evaluation, "simclr", 0)


def test_an_endpoint_names_its_tasks_and_their_levels():
    mean = {key: value for key, value in PRIMARY.items() if key != "task"} | {"tasks": ["pocus", "busi"]}
    found = study(tasks=of_levels(pocus=["patient", "frame"]), primary=[mean])
    assert found.endpoints == found.primary
    assert (found.primary[0]["task"], found.primary[0]["level"]) == ("mean of pocus and busi", "patient and frame")
    assert found.endpoint_cases() == [
        f"results/statistics/{task}-linear-labels100/cases.parquet" for task in ("pocus", "busi")
    ]
    assert study(primary=[mean]).primary[0]["level"] == "frame"
    margin = {"points": 2, "reason": "r"}
    assert study(primary=[mean | {"margin": margin}]).margins == {"mean of pocus and busi": margin}
    with pytest.raises(UserError, match=r"primary\.1\.margin differs from that of an earlier comparison"):
        study(primary=[mean | {"margin": margin}, mean | {"arm": "uscl"}])
    with pytest.raises(UserError, match=r"primary\.0 has `task` and `margin`: give the margin to the task itself"):
        study(primary=[PRIMARY | {"margin": margin}])
    assert study(primary=[PRIMARY]).endpoints == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"arm": "simcrl"}, "primary.0.arm names 'simcrl', but `methods` has only"),
        ({"reference": "simclr"}, "primary.0 compares 'simclr' with itself"),
        ({"task": "bus"}, "primary.0.task names 'bus', but `tasks` has only pocus, busi, segmentation"),
        ({"regime": "knn"}, "primary.0.regime is knn, but tasks.busi.regimes has only finetune, linear."),
        ({"metric": "f2"}, "primary.0.metric: 'f2' is not one of accuracy, balanced_accuracy, macro_f1, auroc"),
        ({"metric": "dice"}, "primary.0.metric: 'dice' is for segmentation, and the task's kind is classification"),
        ({"metric": "ece"}, "primary.0.metric: 'ece' has no method test, because it is not smooth"),
        (
            {"level": "video"},
            "primary.0.level is video, but tasks.busi is scored by frame: add video to tasks.busi.levels.",
        ),
        ({"level": "clip"}, "primary.0.level: 'clip' is not one of frame, video, patient"),
        ({"tasks": ["busi", "pocus"]}, "primary.0 needs either `task` or `tasks` (their mean), and not both."),
        (
            {"task": None, "tasks": ["busi", "pocus"], "level": "frame"},
            "primary.0 has `tasks` and `level`: each task is taken at the first of its own `levels`.",
        ),
        ({"task": None, "tasks": ["busi", "pokus"]}, "primary.0.tasks names 'pokus', but `tasks` has only"),
        (
            {"task": None, "tasks": ["busi", "segmentation"], "regime": "finetune"},
            "primary.0.metric: 'macro_f1' is for classification, and the task's kind is segmentation",
        ),
        ({"metrik": "f1"}, "unknown key 'metrik' at primary.0; did you mean 'metric'?"),
    ],
)
def test_a_primary_comparison_of_what_there_is_not_is_refused(change, sentence):
    with pytest.raises(UserError) as error:
        study(primary=[PRIMARY | change])
    assert sentence in str(error.value)


def test_a_study_without_a_pool_reads_no_pool():
    found = study(methods={"published": {"method": "imagenet"}}, reference="published", comparisons=[])
    assert found.pool == []
    assert found.datasets == ["sim_breast", "sim_lung"]
    assert without(study(), "sim_lung") == "without it busi, segmentation can run: take pocus out of `tasks`"


def test_a_key_follows_what_its_run_rests_on_and_nothing_else():
    cell, before = Evaluation("busi", "linear", 100), study()
    methods = copy.deepcopy(EXAMPLE["methods"])
    methods["simclr"]["epochs"] = 31
    longer = study(methods=methods)
    assert keys.encoder_key(longer, "simclr", 0) != keys.encoder_key(before, "simclr", 0)
    assert keys.cell_key(longer, cell, "simclr", 0) != keys.cell_key(before, cell, "simclr", 0)
    assert keys.cell_key(longer, cell, "uscl", 0) == keys.cell_key(before, cell, "uscl", 0)
    more = study(methods=EXAMPLE["methods"] | {"x": {"method": "simclr"}}, draws=500, study="other")
    assert keys.cell_key(more, cell, "simclr", 0) == keys.cell_key(before, cell, "simclr", 0)
    folds = study(splits={"folds": 4, "inner": 4})
    assert keys.encoder_key(folds, "simclr", 0) == keys.encoder_key(before, "simclr", 0)
    assert keys.cell_key(folds, cell, "simclr", 0) != keys.cell_key(before, cell, "simclr", 0)
    parts = study(pool_parts={"validation": 0.2})
    assert keys.encoder_key(parts, "simclr", 0) != keys.encoder_key(before, "simclr", 0)
    assert keys.encoder_key(parts, "imagenet", 0) == keys.encoder_key(before, "imagenet", 0)
    elsewhere = study("elsewhere")
    assert keys.cell_key(elsewhere, cell, "simclr", 0) == keys.cell_key(before, cell, "simclr", 0)


class Wildcards:
    arm, seed, task, regime, labels = "simclr", "0", "busi", "linear", "100"


def test_a_run_that_is_there_and_current_waits_for_no_check(tmp_path):
    found = study(tmp_path)
    checks = [f"{tmp_path}/audit/feasible.txt"]
    assert rules.checks_before_encoder(found, Wildcards) == checks
    write_done(Path(found.encoder("simclr", 0)), keys.encoder_key(found, "simclr", 0), [])
    assert rules.checks_before_encoder(found, Wildcards) == []
    write_done(Path(found.encoder("simclr", 0)), "another", [])
    assert rules.checks_before_encoder(found, Wildcards) == checks
    assert rules.checks_before_cell(found, Wildcards) == checks


def test_a_failed_run_is_named_while_it_is_current(tmp_path):
    found = study(tmp_path)
    folder = Path(found.encoder("simclr", 0))
    write_failed(folder, keys.encoder_key(found, "simclr", 0), "The loss became nan.")
    assert waiting.failed_runs(found) == ["encoders/simclr/seed0: The loss became nan."]
    write_failed(folder, "with other settings", "The loss became nan.")
    assert waiting.failed_runs(found) == []


def test_the_authors_protocol_has_a_run_per_task_arm_and_seed(tmp_path):
    assert study().authors_outcomes() == []
    found = study(tmp_path, authors_protocol=["busi", "pocus"], seeds=[0, 1])
    outcomes = found.authors_outcomes()
    assert outcomes[:2] == [f"{tmp_path}/authors_protocol/busi/untrained/seed{seed}/outcome.json" for seed in (0, 1)]
    assert len(outcomes) == 2 * len(found.arms) * 2
    assert set(outcomes) <= set(waiting.runs(found))
    folder, key = Path(found.authors_run("busi", "simclr", 0)), keys.authors_key(found, "busi", "simclr", 0)
    assert rules.checks_before_authors_run(found, Wildcards) == [f"{tmp_path}/audit/feasible.txt"]
    write_failed(folder, key, "It diverged.")
    assert rules.checks_before_authors_run(found, Wildcards) == []
    assert waiting.failed_runs(found) == ["authors_protocol/busi/simclr/seed0: It diverged."]


def test_the_key_of_the_authors_protocol_follows_the_encoder_and_the_folds_and_not_our_budget():
    tasks = copy.deepcopy(EXAMPLE["tasks"])
    tasks["busi"]["finetune"]["epochs"] = 99
    methods = copy.deepcopy(EXAMPLE["methods"])
    methods["simclr"]["epochs"] = 31
    before = keys.authors_key(study(), "busi", "simclr", 0)
    assert keys.authors_key(study(tasks=tasks), "busi", "simclr", 0) == before
    for changed in ({"methods": methods}, {"splits": {"folds": 4, "inner": 4}}, {"device": "cuda"}):
        assert keys.authors_key(study(**changed), "busi", "simclr", 0) != before
    assert keys.authors_key(study(), "busi", "simclr", 1) != before
    assert keys.authors_key(study(), "pocus", "simclr", 0) != before


def test_a_run_that_has_lost_a_file_is_forgotten(tmp_path):
    found = study(tmp_path)
    folder = Path(found.encoder("simclr", 0))
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    write_done(folder, "k", ["run.json"])
    assert waiting.forget_lost_runs(found) == []
    (folder / "run.json").unlink()
    assert waiting.forget_lost_runs(found) == [str(folder / "run.json")]
    assert not (folder / "outcome.json").exists()


def test_the_models_of_the_first_training_are_kept_unless_the_study_says_otherwise():
    assert [study().keeps_models(seed) for seed in EXAMPLE["seeds"]] == [True, *[False] * (len(EXAMPLE["seeds"]) - 1)]
    for word, kept in {"all": True, "none": False}.items():
        assert {study(keep_models=word).keeps_models(seed) for seed in EXAMPLE["seeds"]} == {kept}


def test_models_that_are_there_are_no_reason_to_repeat_a_cell_and_models_that_are_not_kept_may_be_missing(tmp_path):
    class Wildcards:
        task, regime, labels, arm, seed = "busi", "linear", "100", "simclr", "0"

    kept, none = study(tmp_path), study(tmp_path, keep_models="none")
    folder = Path(kept.cell(Evaluation("busi", "linear", 100), "simclr", 0))
    reading = {"rate_hz": None, "crop": []}
    assert rules.reading_of_models(kept, Wildcards) == reading
    assert rules.reading_of_models(none, Wildcards) is None
    (folder / "models").mkdir(parents=True)
    (folder / "models/fold0.safetensors").write_text("a model")
    write_done(folder, rules.key_of_cell(none, Wildcards), ["models/fold0.safetensors"])
    assert rules.reading_of_models(none, Wildcards) == reading
    (folder / "models/fold0.safetensors").unlink()
    assert waiting.forget_lost_runs(none) == []
    assert waiting.forget_lost_runs(kept) == [str(folder / "models/fold0.safetensors")]
    write_done(folder, "of other code", [])
    assert rules.reading_of_models(none, Wildcards) is None


def test_weights_that_are_not_there_are_named_when_the_study_is_planned(tmp_path):
    methods = EXAMPLE["methods"] | {"mine": {"method": "simclr", "init": str(tmp_path / "gone.safetensors")}}
    results = tmp_path / "results"
    with pytest.raises(UserError, match=r"methods\.mine starts from .*gone\.safetensors, which doesn't exist"):
        plan(EXAMPLE | {"results": str(results), "methods": methods}, [], ROOT)
    methods["mine"]["init"] = str(results / "encoders/simclr/seed0/encoder.safetensors")  # the study makes it itself
    plan(EXAMPLE | {"results": str(results), "methods": methods}, [], ROOT)


def test_the_first_seed_decides_what_is_simulated_unless_the_study_has_a_seed_for_it():
    found, other = study(), study(seeds=[7])
    assert found.data.simulation("sim_lung")["seed"] != other.data.simulation("sim_lung")["seed"]
    again = study(seeds=[7], simulator_seed=EXAMPLE["seeds"][0])
    assert again.data.simulation("sim_lung") == found.data.simulation("sim_lung")
    assert found.data.simulation("sim_breast")["seed"] != found.data.simulation("sim_lung")["seed"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "lung", "organs": ["lung"]}, "datasets.sim_lung.simulate has `organs`, which is for kind pool"),
        ({"kind": "lung", "freeze": 0.1}, "datasets.sim_lung.simulate has `freeze`, which is for kind pool"),
        ({"kind": "lung", "change": "class"}, "datasets.sim_lung.simulate has `change`, which is for kind pool"),
        ({"kind": "breast", "lungs": "alike"}, "datasets.sim_lung.simulate has `lungs`, which a breast set has not"),
    ],
)
def test_what_only_a_pool_has_is_refused_in_another_set(change, sentence):
    sets = copy.deepcopy(EXAMPLE["datasets"])
    sets["sim_lung"]["simulate"] |= change
    with pytest.raises(UserError) as error:
        study(datasets=sets)
    assert sentence in str(error.value)


@pytest.mark.parametrize("organs", [{}, {"organs": ["lung", "liver"]}])
def test_a_pool_with_livers_cannot_change_between_classes(organs):
    sets = copy.deepcopy(EXAMPLE["datasets"])
    sets["sim_pool"]["simulate"] |= {"change": "class"} | organs
    with pytest.raises(UserError, match=r"sim_pool\.simulate has `change: class`, and a liver has no classes"):
        study(datasets=sets)
    sets["sim_pool"]["simulate"] |= {"organs": ["lung", "breast"]}
    assert study(datasets=sets).data.simulation("sim_pool")["change"] == "class"


def test_events_in_more_videos_than_there_are_are_refused():
    sets = copy.deepcopy(EXAMPLE["datasets"])
    sets["sim_pool"]["simulate"] |= {"inconsistent": 0.6, "dropout": 0.5}
    with pytest.raises(UserError, match="inconsistent, dropout, freeze that add up to more than 1"):
        study(datasets=sets)
    sets["sim_pool"]["simulate"] |= {"dropout": 0.4, "freeze": 0, "organs": ["lung", "breast"], "machines": "shared"}
    found = study(datasets=sets).data.simulation("sim_pool")
    assert found["organs"] == ["lung", "breast"]
    assert (found["inconsistent"], found["freeze"], found["machines"]) == (0.6, 0, "shared")


def test_only_figures_that_can_say_something_are_planned():
    assert rules.study_figures(study()) == ["overview", "differences", "variance", "cost"]
    busi = EXAMPLE["tasks"]["busi"]
    many = {f"busi{k}": busi for k in range(RANKINGS)}
    of_many = study(tasks=many, primary=[])
    assert rules.study_figures(of_many) == list(FIGURES)
    alone = study(methods={"imagenet": {"method": "imagenet"}}, primary=[], comparisons=[])
    assert rules.study_figures(alone) == ["overview", "variance", "cost"]


def test_the_reports_depend_on_every_template():
    folder = ROOT / "uscl/report/page/templates"
    assert {ROOT / name for name in rules.TEMPLATES} == set(folder.iterdir())


def test_the_report_knows_what_the_study_asks():
    asked = rules.asked(study())
    assert asked["tasks"] == list(EXAMPLE["tasks"])
    assert asked["simulated"]
    assert asked["seeds"] == EXAMPLE["seeds"]


def test_the_levels_and_rules_of_the_schema_are_those_of_the_statistics():
    schema = StudySettings.model_json_schema()["$defs"]["Classification"]["properties"]
    assert schema["levels"]["anyOf"][0]["items"]["enum"] == list(LEVELS)
    assert schema["level_rule"]["enum"] == list(RULES)
    assert schema["on_mixed_labels"]["enum"] == [STOP, LEAVE_OUT]


def with_given_split(**splits):
    own = {"kind": "image_csv", "data_root": "data"}
    busi = {**EXAMPLE["tasks"]["busi"], "dataset": "own", "splits": {"given": "split", **splits}}
    return study(datasets=EXAMPLE["datasets"] | {"own": own}, tasks={"busi": busi, "pocus": EXAMPLE["tasks"]["pocus"]})


def test_a_given_split_has_files_of_its_own_and_is_read_with_its_column():
    found = with_given_split(on_leak="report")
    assert found.given == ["busi"]
    assert found.all_splits("busi") == ["results/splits/busi-given-4-seed0.csv"]
    assert found.all_splits("pocus") == ["results/splits/pocus-3x4-seed0.csv"]
    assert found.data.options("own")["part"] == "split"
    assert rules.checked_parts(found, "own") == {"on_leak": "report", "labelled": True}
    assert rules.checked_parts(found, "sim_lung") is None
    assert found.data.on_leak("own") == "group"
    assert keys.folds_key(found, "busi", 0) == ["given", 4, 0]
    assert keys.folds_key(found, "pocus", 0) == [3, 4, 0]


def with_external_set():
    """A task that is tested on an external set, and one that is not; an arm whose features come from a file."""
    sets = EXAMPLE["datasets"] | {"other": EXAMPLE["datasets"]["sim_breast"]}
    tasks = {name: EXAMPLE["tasks"][name] for name in ("pocus", "busi")}
    tasks["busi"] = {**tasks["busi"], "external": [{"dataset": "other", "classes": {"B": "benign"}}]}
    tasks["busi"]["margin"] = {"points": 5, "reason": "x"}
    primary = [{"arm": "simclr", "reference": "imagenet", "task": "busi", "regime": "linear", "metric": "auroc"}]
    return study(datasets=sets, tasks=tasks, primary=[primary[0] | {"external": "other"}])


def test_an_external_set_has_evaluations_of_its_own_and_changes_none_of_the_others():
    found, before = with_external_set(), study(tasks={name: EXAMPLE["tasks"][name] for name in ("pocus", "busi")})
    assert [test.task for test in found.external] == ["busi on other"] * 2
    assert found.evaluations == before.evaluations
    assert found.datasets == sorted([*before.datasets, "other"])
    assert found.probed_datasets == before.probed_datasets
    assert found.primary[0]["task"] == "busi on other"
    assert found.margins["busi on other"] == found.margins["busi"]
    cells = [(evaluation, "simclr", 0) for evaluation in found.evaluations]
    assert [keys.cell_key(found, *cell) for cell in cells] == [keys.cell_key(before, *cell) for cell in cells]
    assert rules.external_pairs(found) == [["other", "sim_breast"]]
    assert rules.checked_external(found) == [["busi", "other", {"B": "benign"}]]
    assert found.data.on_leak("other") == "group"
    assert not found.tasks_on("other")


def test_the_models_that_an_external_set_tests_are_kept_for_every_seed():
    found = with_external_set()
    found.settings.__dict__["keep_models"] = "none"

    def reading(task, labels):
        w = SimpleNamespace(task=task, regime="linear", labels=labels, arm="simclr", seed="0")
        return rules.reading_of_models(found, w)

    assert reading("busi", "100") is not None
    assert reading("busi", "25") is None
    assert reading("pocus", "100") is None


def test_the_frames_that_train_and_are_tested_are_part_of_the_folds():
    pocus = {**EXAMPLE["tasks"]["pocus"], "sampling": {"train": {"rate_hz": 1}}}
    found = study(tasks={"pocus": pocus, "busi": EXAMPLE["tasks"]["busi"]})
    sampling = {"train": {"rate_hz": 1, "max_frames": None}, "test": None}
    assert found.sampling("pocus") == sampling
    assert found.sampling("busi") == {}
    assert keys.folds_key(found, "pocus", 0) == [3, 4, 0, sampling]
    assert keys.folds_key(found, "busi", 0) == [3, 4, 0]
