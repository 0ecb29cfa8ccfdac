import copy
from collections import Counter

import pytest
from studies import RECORD, embedded

from uscl.base.errors import UserError
from uscl.checks.doctor.amounts import Amount, amount
from uscl.checks.doctor.jobs import study_jobs
from uscl.checks.doctor.rates import at_size, fitting, read_records
from uscl.checks.doctor.training_cost import cell_seconds, pretraining_views, step_price

SPEEDS = RECORD["encoders"]["tf_efficientnet_lite0"]


def amounts_of(config, results):
    return {name: amount(name, config, results, {}, None) for name in config["datasets"]}


def jobs_of(config, tmp_path, cores=2):
    return {job.name: job for job in study_jobs(config, amounts_of(config, tmp_path), RECORD, cores)}


def test_the_embedded_study_has_the_jobs_that_snakemake_runs(tmp_path):
    names = jobs_of(embedded(), tmp_path)
    folders = Counter(name.partition("/")[0] for name in names)
    # As the benchmark files of a finished study have them; the audit came later.
    assert sum(folders.values()) - folders["audit"] == 173
    assert folders["cells"] == folders["score"] == folders["draw_cell"] == 30
    assert (folders["encoders"], folders["features"], folders["tracking"], folders["plot_pretraining"]) == (
        6,
        12,
        36,
        4,
    )
    assert {"cells/pocus-linear-labels100-meta_uscl-seed0", "encoders/imagenet-seed0", "table"} <= set(names)


def test_without_tracking_nothing_is_logged(tmp_path):
    names = jobs_of(embedded() | {"tracking": "none"}, tmp_path)
    assert not any(name.startswith(("tracking", "mlflow")) for name in names)


def test_seeds_double_what_is_trained_but_not_the_data(tmp_path):
    one, two = jobs_of(embedded(), tmp_path), jobs_of(embedded() | {"seeds": [0, 1]}, tmp_path)
    for folder, factor in {"encoders/": 2, "cells/": 2, "features/": 2, "extract_frames/": 1}.items():
        assert sum(name.startswith(folder) for name in two) == factor * sum(name.startswith(folder) for name in one)


def test_features_of_later_seeds_are_for_probes_only(tmp_path):
    config = embedded() | {"seeds": [0, 1]}
    config["tasks"] = copy.deepcopy(config["tasks"])
    config["tasks"]["busi"]["regimes"] = ["finetune"]
    names = jobs_of(config, tmp_path)
    assert "features/sim_lung-simclr-seed1" in names
    assert "features/sim_breast-simclr-seed0" in names
    assert "features/sim_breast-simclr-seed1" not in names


def test_pretraining_takes_two_views_a_training_video_and_epoch():
    # 90 of 100 videos are trained on, and 10 looked at in a third of the time.
    assert pretraining_views({"method": "simclr", "epochs": 30}, 100, SPEEDS) == pytest.approx(2 * 30 * (90 + 10 / 3))
    assert pretraining_views({"method": "simclr"}, 100, SPEEDS) == pytest.approx(2 * 300 * (90 + 10 / 3))
    assert pretraining_views({"method": "simclr"}, None, SPEEDS) is None


def test_a_step_of_meta_uscl_costs_what_was_recorded():
    learned = {"method": "meta_uscl"}
    assert step_price(learned, 1000, SPEEDS) == pytest.approx(3.5)
    assert step_price(learned | {"meta": {"update": "lookahead"}}, 1000, SPEEDS) == pytest.approx(2.9)
    assert step_price(learned | {"meta": {"every": 5}}, 1000, SPEEDS) == pytest.approx(1.5)
    # A meta set of 16 videos makes batches of half the size, which spares half a step.
    assert step_price(learned, 80, SPEEDS) == pytest.approx(3.0)
    assert step_price(learned | {"weights": "constant"}, 1000, SPEEDS) == 1
    assert step_price({"method": "uscl"}, 1000, SPEEDS) == 1


def test_the_meta_set_is_not_trained_on():
    config = {"method": "meta_uscl", "weights": "constant", "epochs": 1}
    assert pretraining_views(config, 100, SPEEDS) == pytest.approx(2 * (70 + 10 / 3))


def test_fine_tuning_counts_training_validation_and_the_authors_look_at_the_test_part():
    config = embedded()
    task = config["tasks"]["pocus"]  # 5 epochs, 3 folds, a quarter of the rest for validation
    images = 5 * 184 * (2 * 3 / 4 + (2 / 4 + 1) / 3)
    assert cell_seconds(config, task, "finetune", 184, RECORD) == pytest.approx(4.4 + images / 104)
    config["authors_protocol"] = False
    images = 5 * 184 * (2 * 3 / 4 + 2 / 4 / 3)
    assert cell_seconds(config, task, "finetune", 184, RECORD) == pytest.approx(4.4 + images / 104)
    assert cell_seconds(config, task, "finetune", None, RECORD) is None
    assert cell_seconds(config, task, "knn", 184, RECORD) == 1.4
    assert cell_seconds(config, task, "linear", 184, RECORD) == pytest.approx(1.4 + 1.5 * 184 / 800)


def test_the_last_block_alone_is_faster_for_both_kinds_of_task():
    config = embedded()
    for task in ("pocus", "segmentation"):
        settings = config["tasks"][task]
        whole, last = (cell_seconds(config, settings, regime, 100, RECORD) for regime in ("finetune", "last_block"))
        assert last < whole


def test_time_goes_with_the_square_of_the_frame_size_from_the_nearest_recorded():
    assert at_size(RECORD, "tf_efficientnet_lite0", "pretrain_views", 96) == 55
    assert at_size(RECORD, "tf_efficientnet_lite0", "pretrain_views", 192) == pytest.approx(55 / 4)
    assert at_size(RECORD, "tf_efficientnet_lite0", "pretrain_views", 32) == pytest.approx(110 * 4)


def test_a_set_of_unknown_size_makes_its_jobs_unknown(tmp_path):
    config = embedded()
    found = amounts_of(config, tmp_path) | {"sim_pool": Amount()}
    jobs = {job.name: job.seconds for job in study_jobs(config, found, RECORD, 2)}
    assert jobs["encoders/simclr-seed0"] is None
    assert jobs["extract_frames/sim_pool"] is None
    assert jobs["encoders/random-seed0"] == 4.4
    assert jobs["cells/busi-finetune-labels100-simclr-seed0"] > 4.4


def test_on_a_gpu_what_trains_there_asks_for_it(tmp_path):
    jobs = jobs_of(embedded() | {"device": "cuda", "devices": 2}, tmp_path)
    assert jobs["encoders/simclr-seed0"].gpus == 2
    assert jobs["cells/pocus-finetune-labels100-simclr-seed0"].gpus == 1
    assert (
        jobs["cells/pocus-linear-labels100-simclr-seed0"].gpus
        == jobs["score/pocus-linear-labels100-simclr-seed0"].gpus
        == 0
    )


def test_the_record_of_the_same_device_and_machine_is_taken():
    other, gpu = RECORD | {"machine": "other"}, RECORD | {"device": "cuda", "precision": "bf16-mixed"}
    assert fitting([RECORD, other], "cpu", "32-true", ["other"]) is other
    assert fitting([RECORD, gpu], "cuda", "32-true", []) is gpu
    assert fitting([RECORD], "cuda", "32-true", []) is None


def test_a_damaged_file_of_records_is_told(tmp_path):
    file = tmp_path / "recorded.yaml"
    assert read_records(file) == []
    for text in ("a: [", "machine: x"):
        file.write_text(text)
        with pytest.raises(UserError, match=r"recorded.yaml .*run benchmarks/throughput.py"):
            read_records(file)
