import copy
from pathlib import Path

import pytest
import yaml
from studies import example, fault

from uscl.base.errors import UserError
from uscl.study.contradictions import SHORTEST_POOL_VIDEO
from uscl.study.validation import check_repeated_keys, validated

ROOT = Path(__file__).parents[3]
EXAMPLE = example()


def changed(path, value):
    config = copy.deepcopy(EXAMPLE)
    *parents, last = path
    place = config
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


@pytest.mark.parametrize(
    "study", sorted(path.name for path in (ROOT / "config").glob("*.yaml") if path.name != "datasets.yaml")
)
def test_the_studies_that_ship_are_sound(study):
    assert fault(yaml.safe_load((ROOT / "config" / study).read_text())) is None


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["seed"], [0], "unknown key 'seed' at the top level; did you mean 'seeds'?"),
        (["seeds"], None, "'seeds' is missing at the top level."),
        (["seeds"], "0", "seeds must be a list, not '0'."),
        (["seeds"], [], "seeds must not be empty."),
        (["seeds"], [0, 0], "seeds names something twice: [0, 0]."),
        (["methods"], {}, "methods must not be empty."),
        (["results"], ".", "results must name a folder of its own"),
        (["results"], "out/{a}", "results must name a folder of its own"),
        (["tasks", "x" * 65], EXAMPLE["tasks"]["busi"], "can't be a name in tasks"),
        (["tasks", "segmentation", "dataset"], "sim_lung", "datasets.sim_lung has no masks to segment"),
        (
            ["tasks", "busi", "splits"],
            {"given": "part"},
            "tasks.busi.splits: datasets.sim_breast is simulated and has no given split: remove it.",
        ),
        (
            ["tasks", "busi", "external"],
            ["sim_brest"],
            "tasks.busi.external names 'sim_brest', but `datasets` has only",
        ),
        (["tasks", "busi", "external"], ["sim_breast"], "tasks.busi.external names sim_breast, the data of the task"),
        (["tasks", "busi", "external"], ["sim_lung", {"dataset": "sim_lung"}], "names a data set twice: name it once."),
        (["tasks", "busi", "external"], ["sim_pool"], "pool and tasks.busi.external are the same data: sim_pool would"),
        (["tasks", "segmentation", "external"], ["sim_lung"], "names sim_lung, which has no masks"),
        (["tasks", "busi", "splits"], {"on_leak": "report"}, "'given' is missing at tasks.busi.splits."),
        (["device"], "gpu", "device: 'gpu' is not one of cpu, cuda; did you mean 'cpu'?"),
        (["frame_size"], 50, "frame_size must be a multiple of 32, not 50."),
        (["pool"], "sim_poll", "pool names 'sim_poll', but `datasets` has only sim_pool, sim_lung, sim_breast."),
        (["tasks", "busi", "dataset"], "busi", "tasks.busi.dataset names 'busi'"),
        (["tasks", "busi", "finetune", "learning_rate"], 1, "unknown key 'learning_rate' at tasks.busi.finetune"),
        (["methods", "simclr", "epoch"], 3, "unknown key 'epoch' at methods.simclr; did you mean 'epochs'?"),
        (
            ["methods", "imagenet", "epochs"],
            3,
            "methods.imagenet: 'epochs' belongs to barlow_twins, byol, meta_uscl, moco_v2, simclr, simsiam, supervised,"
            " untrained, uscl, vicreg, not to imagenet",
        ),
        (
            ["methods", "x"],
            {"method": "random"},
            "methods.x.method: 'random' is not one of barlow_twins, byol, features, file, imagenet, meta_uscl,",
        ),
        (["datasets", "sim_pool", "data_root"], "data", "datasets.sim_pool needs either `simulate`"),
        (["datasets", "sim_pool", "simulate"], None, "datasets.sim_pool needs either `simulate`"),
        (["datasets", "sim_lung", "reader"], "busi", "datasets.sim_lung: a simulated set of kind lung takes reader"),
        (["datasets", "sim_pool", "simulate", "frames"], 7, "datasets.sim_pool.simulate.frames must be 8 or more"),
        (["pool"], "sim_lung", "pool and tasks.pocus.dataset are the same data"),
        (["tasks", "busi", "finetune", "lr"], float("nan"), "tasks.busi.finetune.lr must be a finite number, not nan"),
        (["tasks", 1], {}, "the name 1 at tasks must be text"),
        (["tasks", "a b"], EXAMPLE["tasks"]["busi"], "'a b' can't be a name in tasks: use letters"),
        (["tasks", "pretrain"], EXAMPLE["tasks"]["busi"], "'pretrain' can't be a name in tasks"),
        (["tasks", "summary"], EXAMPLE["tasks"]["busi"], "'summary' can't be a name in tasks"),
        (
            ["methods", "x"],
            {"method": "uscl", "momentum": 0.5},
            "methods.x: 'momentum' belongs to barlow_twins, byol, meta_uscl, moco_v2, simclr, simsiam, supervised,"
            " vicreg, not to uscl: remove it.",
        ),
        (
            ["methods", "x"],
            {"method": "simclr", "max_dist": 5},
            "methods.x `max_dist` has no meaning with `pairs: frame`: set `pairs: ppi` or remove it.",
        ),
        (["methods", "x"], {"method": "simclr", "meta": {}}, "methods.x: 'meta' belongs to meta_uscl, not to simclr"),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "weights": "temporal", "meta": {"lr": 1}},
            "methods.x `meta.lr` has no meaning with `weights: temporal`",
        ),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "meta": {"evry": 2}},
            "unknown key 'evry' at methods.x.meta; did you",
        ),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "weights": "learn"},
            "methods.x.weights: 'learn' is not one of learned, shuffled, temporal, constant, oracle, oracle_shuffled,"
            " anti_oracle; did you mean 'learned'?",
        ),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "max_dist": 1},
            "methods.x.max_dist must be at least 2, not 1.",
        ),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "weights": "shuffled", "meta": {"update": "lookahead"}},
            "methods.x `weights: shuffled` needs the published order",
        ),
        (
            ["pool_parts"],
            {"validation": 0.5, "meta": 0.5},
            "pool_parts `validation: 0.5` and `meta: 0.5` leave nothing to train on: lower one of them.",
        ),
        (["pool_parts"], {"meta": 0.6}, "pool_parts.meta must be at most 0.5, not 0.6."),
        (["pool_parts"], {"validation": 0}, "pool_parts.validation must be more than 0, not 0."),
        (["pool_parts"], {"test": 0.1}, "unknown key 'test' at pool_parts"),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "train_on": "all"},
            "methods.x `train_on: all` would train on the meta set, which `weights: learned` needs: remove it.",
        ),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "train_on": "all", "weights": "shuffled"},
            "methods.x `train_on: all` would train on the meta set, which `weights: shuffled` needs: remove it.",
        ),
        (
            ["methods", "x"],
            {"method": "uscl", "settings": "released", "warmup_epochs": 5},
            "methods.x `warmup_epochs` has no meaning with `settings: released`, whose learning rate has no warm-up:"
            " set `settings: shared` or remove it.",
        ),
        (
            ["methods", "x"],
            {"method": "simclr", "pairs": "frame", "triples": "uniform"},
            "methods.x `triples` has no meaning with `pairs: frame`: set `pairs: ppi` or remove it.",
        ),
        (["methods", "x"], {"method": "simclr", "stream": -1}, "methods.x.stream must be at least 0, not -1."),
        (
            ["methods", "x"],
            {"method": "meta_uscl", "meta": {"batch_size": 1}},
            "methods.x.meta.batch_size must be at least 2, not 1.",
        ),
        (["methods", "SimCLR"], {"method": "simclr"}, "methods: 'simclr' and 'SimCLR' differ only in case"),
        (["tasks", "BUSI"], EXAMPLE["tasks"]["busi"], "tasks: 'busi' and 'BUSI' differ only in case"),
        (["methods", "simclr", "lr"], 1e39, "methods.simclr.lr is more than training can compute"),
        (["tasks", "busi", "finetune", "epochs"], 10**400, "tasks.busi.finetune.epochs is more than"),
        (["seeds"], [0, 1, 0], "seeds names something twice"),
        (["methods", "a/b"], {"method": "imagenet"}, "'a/b' can't be a name in methods"),
        (
            ["methods", "__proto__"],
            {"method": "imagenet"},
            "'__proto__' can't be a name in methods: use letters, digits and _, at most 64, and no _ in front",
        ),
        (["methods", "ab" * 20], {"method": "imagenet"}, "repeats itself 20 times or more: take another name"),
        (
            ["tasks", "segmentation", "regimes"],
            ["knn"],
            "tasks.segmentation: the regime knn is for classification; for segmentation",
        ),
        (["tasks", "busi", "regimes"], [], "tasks.busi.regimes must not be empty"),
        (["tasks", "busi", "regimes"], ["linear", "linear"], "tasks.busi.regimes names something twice"),
        (
            ["tasks", "busi", "decoder"],
            "unet",
            "tasks.busi: 'decoder' belongs to segmentation, not to",
        ),
        (
            ["reference"],
            "imagnet",
            "reference names 'imagnet', but `methods` has only untrained, imagenet, imagenet_calibrated",
        ),
        (
            ["precision"],
            "bf16-mixed",
            "precision: bf16-mixed with methods.shuffled, which learns weights: rounding spoils the gradient",
        ),
        (["comparisons"], [["meta_uscl", "mocov2"]], "comparisons names 'mocov2', but `methods` has only"),
        (["comparisons"], [["meta_uscl", "meta_uscl"]], "comparisons.0 names something twice"),
        (["draws"], 10, "draws must be at least 100, not 10."),
        (["label_fractions", "percent"], [0], "label_fractions.percent.0 must be at least 1, not 0."),
        (["label_fractions", "shots"], [0], "label_fractions.shots.0 must be at least 1, not 0."),
        (["label_fractions", "draws"], 0, "label_fractions.draws must be at least 1, not 0."),
        (
            ["tasks", "busi", "operating_points"],
            {},
            "tasks.busi.operating_points needs `specificity`, `sens",
        ),
        (
            ["tasks", "busi", "operating_points"],
            {"specificity": [1]},
            "tasks.busi.operating_points.specificity.0 must be less than 1, not 1.",
        ),
        (["tasks", "segmentation", "temperature_scaling"], True, "'temperature_scaling' belongs to classification"),
        (["label_fractions"], {"regime": "linear"}, "label_fractions needs `percent`, `shots` or both."),
        (
            ["label_fractions"],
            {"regime": "linear", "percent": [100], "draws": 2},
            "label_fractions has `draws` of 100 % of the labels, which are all alike.",
        ),
        (["authors_protocol"], True, "authors_protocol must be a list, not True."),
        (
            ["authors_protocol"],
            ["pocsu"],
            "authors_protocol names 'pocsu', but `tasks` has only pocus, busi",
        ),
        (["authors_protocol"], ["pocsu"], "did you mean 'pocus'?"),
        (["authors_protocol"], ["segmentation"], "names 'segmentation', whose kind is segmentation: it is for"),
        (["authors_protocol"], ["busi", "busi"], "authors_protocol names something twice"),
        (["splits", "folds"], 1, "splits.folds must be at least 2, not 1."),
        (["datasets", "mine"], {"data_root": "x"}, "datasets.mine needs either `reader` (a public set) or `kind`"),
        (
            ["datasets", "mine"],
            {"reader": "busi", "kind": "image_folder", "data_root": "x"},
            "datasets.mine needs either `reader` (a public set) or `kind`",
        ),
        (["datasets", "mine"], {"kind": "video_folder"}, "datasets.mine needs either `simulate` (a simulated set) or"),
        (
            ["datasets", "mine"],
            {"kind": "video_folders", "data_root": "x"},
            "video_folder; did you mean 'video_folder'?",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "groups": "p"},
            "unknown key 'groups' at datasets.mine; did you mean 'group'?",
        ),
        (
            ["datasets", "mine"],
            {"reader": "busi", "data_root": "x", "group": "p"},
            "datasets.mine: 'group' belongs to own, not to public: remove it.",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "group": "(p"},
            "datasets.mine.group is not a regular expression: missing ), unterminated subpattern",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "patient": "(p"},
            "datasets.mine.patient is not a regular expression: missing ), unterminated subpattern",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "patient": "p", "group": "q"},
            "datasets.mine has `patient` and `group`: remove one of them.",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "crop": [0, 0, 10]},
            "datasets.mine.crop",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "crop": [0.5, 0, 0.6, 1]},
            "leaves the picture",
        ),
        (
            ["datasets", "mine"],
            {"kind": "video_folder", "data_root": "x", "exclude": 7},
            "datasets.mine.exclude",
        ),
        (
            ["datasets", "mine"],
            {"kind": "image_folder", "data_root": "x", "labels": [1]},
            "datasets.mine has `labels` of masks, but image_folder reads no masks: remove it.",
        ),
        (
            ["datasets", "mine"],
            {"kind": "image_mask_pairs", "data_root": "x", "labels": [0]},
            "datasets.mine.labels",
        ),
        (["datasets", "sim_pool", "doppler"], "drop", "doppler: 'drop' is not one of keep, leave_out"),
        (
            ["datasets", "sim_breast"],
            {"kind": "image_folder", "data_root": "x"},
            "tasks.segmentation.kind is segmentation, but datasets.sim_breast is image_folder, which has no masks",
        ),
        (["data_mirror"], "ftp://host/sets", "data_mirror must begin with https:// or http:// or file://, not 'ftp:"),
        (
            ["datasets", "sim_pool", "on_leak"],
            "merge",
            "on_leak: 'merge' is not one of stop, group, drop.",
        ),
    ],
)
def test_a_fault_is_described_in_one_sentence(path, value, words):
    sentence = fault(changed(path, value))
    assert sentence is not None
    assert sentence.startswith("Config: ")
    assert words in sentence
    assert "\n" not in sentence


def test_a_regime_that_trains_needs_its_budget_and_a_probe_does_not():
    config = changed(["tasks", "busi", "finetune"], None)
    assert "tasks.busi.finetune is missing, and the regime finetune needs it." in fault(config)
    config["tasks"]["busi"]["regimes"] = ["linear"]
    assert fault(config) is None
    config["label_fractions"] = {"percent": [10], "regime": "finetune"}
    assert "tasks.busi: 'finetune' is missing, and label_fractions.regime finetune needs it." in fault(config)


def test_a_truth_value_is_no_number():
    assert "tasks.busi.finetune.epochs must be a number, not a truth value." in fault(
        changed(["tasks", "busi", "finetune", "epochs"], True)
    )


def test_a_mirror_with_a_password_is_refused_without_repeating_it():
    sentence = fault(changed(["data_mirror"], "https://me:secret@host/sets"))
    assert "data_mirror holds a user, password or token" in sentence
    assert "secret" not in sentence


def test_a_real_pool_must_not_be_a_tasks_data_under_another_name():
    config = changed(["datasets", "mine"], {"reader": "busi", "data_root": "data"})
    config["datasets"]["yours"] = {"reader": "busi", "data_root": "data"}
    config["tasks"]["busi"]["dataset"] = "yours"
    config["pool"] = "mine"
    assert "tasks.busi.dataset are the same data" in fault(config)
    config |= {"reference": "imagenet", "comparisons": []}
    assert fault(config | {"methods": {"imagenet": {"method": "imagenet"}}}) is None
    # BatchNorm's statistics are taken from the pool, too.
    calibrated = {"imagenet": {"method": "imagenet"}, "untrained": {"method": "untrained"}}
    assert "tasks.busi.dataset are the same data" in fault(config | {"methods": calibrated})


def test_one_data_root_serves_all_sets():
    config = changed(["datasets", "mine"], {"kind": "video_folder"})
    config["datasets"]["busi"] = {"reader": "busi"}
    assert fault(config | {"data_root": "/data"}) is None
    assert "datasets.mine needs either `simulate`" in fault(config)
    config["datasets"] |= {"other": {"reader": "busi", "data_root": "/data/"}}
    config["tasks"]["busi"]["dataset"] = "other"
    assert "tasks.busi.dataset are the same data" in fault(config | {"data_root": "/data", "pool": "busi"})


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "meta_uscl", "weights": "constant", "train_on": "all"},
        {"method": "meta_uscl", "weights": "oracle"},
        {"method": "uscl", "settings": "shared", "warmup_epochs": 5},
        {"method": "simclr", "pairs": "ppi", "triples": "uniform", "max_dist": 16},
        {"method": "untrained", "init": "imagenet", "calibrate": False},
        {"method": "imagenet", "stream": 1},
    ],
)
def test_settings_that_have_a_meaning_together_are_taken(settings):
    assert fault(changed(["methods", "x"], settings)) is None


def test_a_key_that_is_given_twice_is_found(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text("seeds: [0]\nmethods:\n  mine: {method: untrained}\n  mine: {method: simclr}\n")
    with pytest.raises(UserError) as caught:
        check_repeated_keys(study)
    assert str(caught.value) == f"Config: {study}, line 4: 'mine' is given twice at methods."
    for study in (ROOT / "config").glob("*.yaml"):
        check_repeated_keys(study)


def test_whole_numbers_become_integers():
    config = changed(["frame_size"], 64.0)
    config["tasks"]["busi"]["finetune"]["epochs"] = "1e1"
    study = validated(config)
    assert (study.frame_size, study.tasks["busi"].finetune.epochs) == (64, 10)
    assert isinstance(study.frame_size, int)


def test_the_least_number_of_frames_is_the_simulators():
    from uscl.simulator.events import SHORTEST

    assert SHORTEST_POOL_VIDEO == SHORTEST


def test_numbers_that_were_read_as_text_are_made_numbers():
    config = changed(["tasks", "busi", "finetune", "lr"], "1e-3")
    config["seeds"] = ["0", "1"]
    config["datasets"]["sim_lung"]["max_frames"] = "null"
    config["datasets"]["sim_lung"]["partial"] = "True"
    study = validated(config)
    assert study.tasks["busi"].finetune.lr == 0.001
    assert study.seeds == [0, 1]
    assert study.datasets["sim_lung"].max_frames is None
    assert study.datasets["sim_lung"].partial is True


@pytest.mark.parametrize(
    ("dataset", "splits", "words"),
    [
        ({"kind": "image_folder"}, {"given": "folder"}, None),
        ({"kind": "image_csv"}, {"given": "split", "on_leak": "report"}, None),
        ({"reader": "pocus_folds"}, {"given": "part"}, None),
        ({"kind": "image_folder"}, {"given": "split"}, "has no `table`: add it, or set `given: folder`."),
        ({"reader": "pocus_folds"}, {"given": "fold"}, "must be `part` for a public set, not 'fold'."),
    ],
)
def test_a_given_split_needs_a_set_that_has_one(dataset, splits, words):
    config = changed(["tasks"], {"busi": {**EXAMPLE["tasks"]["busi"], "dataset": "own", "splits": splits}})
    config["datasets"]["own"] = {**dataset, "data_root": "data"}
    found = fault(config)
    assert (found is None) if words is None else words in found


def test_tasks_on_one_set_have_one_given_split():
    tasks = {name: {**EXAMPLE["tasks"]["busi"], "dataset": "own"} for name in ("a", "b")}
    tasks["a"]["splits"], tasks["b"]["splits"] = {"given": "split"}, {"given": "fold"}
    config = changed(["tasks"], tasks)
    config["datasets"]["own"] = {"kind": "image_csv", "data_root": "data"}
    assert "tasks.b.splits differs from tasks.a.splits, but both are on own" in fault(config)
    del tasks["b"]["splits"]
    assert fault(changed(["tasks"], tasks) | {"datasets": config["datasets"]}) is None


def test_a_primary_comparison_on_an_external_set_needs_a_task_that_has_it():
    busi = {**EXAMPLE["tasks"]["busi"], "external": ["sim_lung"]}
    config = changed(["tasks"], {"busi": busi, "pocus": EXAMPLE["tasks"]["pocus"]})
    named = {"arm": "simclr", "reference": "imagenet", "task": "busi", "regime": "linear", "metric": "auroc"}
    assert fault(config | {"primary": [named | {"external": "sim_lung"}]}) is None
    found = fault(config | {"primary": [named | {"external": "sim_pool"}]})
    assert found.endswith("names 'sim_pool', but the external sets of tasks.busi are: sim_lung.")
    mean = {**named, "tasks": ["busi", "pocus"], "external": "sim_lung"}
    del mean["task"]
    assert "has `tasks` and `external`" in fault(config | {"primary": [mean]})
