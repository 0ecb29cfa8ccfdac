import numpy as np

from uscl.report.tables.costs import cost_parts, costs_table


def encoder(arm, seed, images=1000, memory=500.0, **more):
    tags, params = {"stage": "pretrain", "arm": arm}, {"seed": seed}
    return {"tags": tags, "params": params, "images": images, "parameters": 42, "peak_memory_mib": memory, **more}


def cell(arm, task, seed, seconds=(1.0, 2.0), memory=400.0):
    params = {"arm": arm, "task": task, "regime": "finetune", "seed": seed}
    folds = [{"started": 10.0, "ended": 10.0 + second, "cpu_s": second / 2} for second in seconds]
    return {"params": params, "images": 300, "folds": folds, "peak_memory_mib": memory}


ENCODERS = [
    encoder("imagenet", 0, 0),
    encoder("simclr", 0, training_s=60.0, training_cpu_s=50.0, steps=7),
    encoder("simclr", 1, training_s=70.5, training_cpu_s=60.5, steps=8),
]
CELLS = [cell("imagenet", "busi", 0), cell("simclr", "busi", 0), cell("simclr", "busi", 1, memory=800.0)]


def test_times_and_images_are_sums_over_seeds_and_memory_is_the_largest():
    table = costs_table(ENCODERS, [*CELLS, cell("simclr", "pocus", 0)])
    assert list(table.columns) == [
        *("arm", "task", "regime", "pretraining_s", "finetuning_s", "pretraining_cpu_s", "finetuning_cpu_s"),
        *("pretraining_steps", "peak_memory_mib", "pretraining_images", "finetuning_images", "parameters"),
    ]
    assert table.to_numpy().tolist() == [
        ["imagenet", "busi", "finetune", 0.0, 3.0, 0.0, 1.5, 0, 500.0, 0, 300, 42],
        ["simclr", "busi", "finetune", 130.5, 6.0, 110.5, 3.0, 15, 800.0, 2000, 600, 42],
        ["simclr", "pocus", "finetune", 130.5, 3.0, 110.5, 1.5, 15, 500.0, 2000, 300, 42],
    ]


def test_the_file_has_whole_numbers_of_images():
    line = costs_table(ENCODERS, CELLS).to_csv(index=False, float_format="%.6f").splitlines()[2]
    assert line == "simclr,busi,finetune,130.500000,6.000000,110.500000,3.000000,15,800.000000,2000,600,42"


def test_an_evaluation_shows_the_range_from_the_cheapest_to_the_most_expensive_arm():
    costs = costs_table(ENCODERS, [*CELLS[:2], cell("simclr", "busi", 1, (5.0, 96.0))])
    heading, _, arms, tasks = cost_parts(costs)
    assert heading == "## Costs"
    assert [cell.strip() for cell in arms.splitlines()[3].split("|")[1:-1]] == [
        "simclr",
        "42",
        "2,000",
        "15",
        "2 min",
        "2 min",
        "500 MiB",
    ]
    assert [cell.strip() for cell in tasks.splitlines()[2].split("|")[1:-1]] == [
        *("busi", "finetune", "300 to 600", "1.5 s to 52 s", "3.0 s to 2 min"),
    ]


def test_what_another_program_did_is_unknown_and_never_0():
    elsewhere = {key: value for key, value in encoder("file", 0).items() if key != "images"}
    models = {key: value for key, value in cell("preds", "busi", 0).items() if key != "images"} | {"folds": []}
    table = costs_table([*ENCODERS, elsewhere], [*CELLS, cell("file", "busi", 0), cell("feats", "busi", 0), models])
    table = table.set_index("arm").drop(columns=["task", "regime"])
    nan = float("nan")
    np.testing.assert_array_equal(table.loc["file"], [nan, 3, nan, 1.5, nan, 500, nan, 300, 42])
    np.testing.assert_array_equal(table.loc["feats"], [nan, 3, nan, 1.5, nan, nan, nan, 300, nan])
    assert table.loc["preds"].isna().all()
    _, explanation, arms, tasks = cost_parts(table.reset_index().assign(task="busi", regime="finetune"))
    assert "Unknown is what other programs did" in explanation
    lines = {line.split("|")[1].strip(): [word.strip() for word in line.split("|")[2:-1]] for line in arms.splitlines()}
    assert lines["file"] == ["42", *["unknown"] * 4, "500 MiB"]
    assert lines["feats"] == lines["preds"] == ["unknown"] * 6
    assert lines["imagenet"] == ["42", "0", "0", "-", "-", "500 MiB"]
    assert tasks.splitlines()[2].split("|")[3].strip() == "300 to 600"
    assert "Unknown is" not in cost_parts(costs_table(ENCODERS, CELLS))[1]
