# What is evaluated, as paths: functions only, for the rules behind.


def regimes(task):
    """How the encoders are evaluated on a task, the one that figures show first."""
    return config["tasks"][task].get("regimes", ["finetune"])


def cells(pattern):
    """A path for every task x regime x arm x seed, all in the config's order."""
    paths = []
    for task in config["tasks"]:
        paths += expand(
            pattern,
            task=task,
            regime=regimes(task),
            arm=config["methods"],
            seed=SEEDS,
            labels=100,
        )
    return paths


def evaluations(pattern):
    """A path for every task x regime."""
    return [path for task in config["tasks"] for path in expand(pattern, task=task, regime=regimes(task))]


def classification_tasks():
    """The tasks that frozen features can be probed on."""
    return [task for task, settings in config["tasks"].items() if settings["kind"] == "classification"]


def arms_of(pattern):
    """A path for every arm x seed of a task in a regime."""
    return expand(pattern, arm=config["methods"], seed=SEEDS, labels=100, allow_missing=True)


def compared_pairs():
    """Pairs [arm, against]: every other arm with the reference, and those that the config names besides."""
    with_reference = [[arm, REFERENCE] for arm in config["methods"] if arm != REFERENCE]
    return with_reference + [pair for pair in config.get("comparisons", []) if pair not in with_reference]


def missing_evaluations():
    """Task, regime and reason of what the tables can't show: regimes that others of the study's tasks have."""
    known = list(dict.fromkeys(regime for task in config["tasks"] for regime in regimes(task)))
    missing = []
    for task, settings in config["tasks"].items():
        for regime in known:
            if regime not in regimes(task):
                probe = settings["kind"] == "segmentation" and regime in PROBES
                reason = "segmentation has no such probe" if probe else f"not among tasks.{task}.regimes"
                missing.append([task, regime, reason])
    return missing


def tasks_with_fractions():
    """The tasks that know the regime of `label_fractions`."""
    return classification_tasks() if FRACTIONS["regime"] in PROBES else list(config["tasks"])


def tracked_label_fractions():
    """What logging leaves behind for the runs with a part of the labels; nothing where tracking is switched off."""
    return [] if config["tracking"] == "none" else label_fraction_cells(f"<results>/tracking/cells/{CELL_NAME}.json")


def label_fraction_cells(pattern):
    """A path for every task that knows the regime of `label_fractions`, percentage, arm and seed."""
    return expand(
        pattern,
        task=tasks_with_fractions(),
        regime=FRACTIONS["regime"],
        labels=FRACTIONS["percent"],
        arm=config["methods"],
        seed=SEEDS,
    )


def finetune_settings(w):
    """What fine-tuning on a task is called with, beside the regime."""
    task = config["tasks"][w.task]
    if task["kind"] == "segmentation":
        return task["finetune"] | {"decoder": task.get("decoder", "unet")}
    return task["finetune"] | {"authors_protocol": config.get("authors_protocol", False)}


def tracked_runs():
    """The MLflow store and what logging leaves behind for every run; nothing where tracking is switched off."""
    if config["tracking"] == "none":
        return []
    encoders = expand("<results>/tracking/encoders/{arm}-seed{seed}.json", arm=config["methods"], seed=SEEDS)
    own_store = ["<results>/mlflow.db"] if OWN_STORE else []
    return [*own_store, *encoders, *cells(f"<results>/tracking/cells/{CELL_NAME}.json")]
