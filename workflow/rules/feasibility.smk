# Can the study work? Asked once all data is read and divided, before anything is trained.


def given_weights():
    """Where arms start from files that a user names: word and file by arm; what the study itself makes comes later."""
    own = os.path.abspath(R) + os.sep
    files = {arm: initial_file(arm) for arm in config["methods"]}
    return {
        arm: [init_of(arm), *file] for arm, file in files.items() if file and not os.path.abspath(*file).startswith(own)
    }


def fractions_of(task):
    """The percentages of the labels that a task is trained with beside all."""
    settings = config.get("label_fractions", {"percent": [], "regime": "finetune"})
    return settings["percent"] if task in classification_tasks() or settings["regime"] not in PROBES else []


rule check_study:
    input:
        # Of the pool and of the tasks' sets, in the order of DATASETS.
        stores=expand("<results>/frames/{dataset}/manifest.csv", dataset=DATASETS),
        hashes=expand(rules.hash_frames.output.hashes, dataset=DATASETS),
        splits=expand(rules.split.output.splits, task=config["tasks"]),
        left_out=rules.audit_study.output.left_out,
        gate=rules.gate.output.passed,
        initial=[file for _, file in given_weights().values()],
        code=code("check_study.py", *sorted({module for arm in PRETRAINED for module in method_modules(arm)})),
    output:
        feasible="<results>/audit/feasible.txt",
    log:
        "<logs>/audit/check_study.log",
    benchmark:
        "<benchmarks>/audit/check_study.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        datasets=DATASETS,
        pool=POOL,
        drop=policy(config["pool"]) == "drop",
        arms={arm: config["methods"][arm] for arm in PRETRAINED},
        initial=given_weights(),
        arch=config["encoder"],
        tasks={
            task: {
                "dataset": settings["dataset"],
                "kind": settings["kind"],
                "percents": fractions_of(task),
                "batch_size": settings["finetune"]["batch_size"],
            }
            for task, settings in config["tasks"].items()
        },
        seeds=SEEDS,
        devices=DEVICES,
    message:
        "Looking whether the study can work"
    script:
        "../scripts/check_study.py"
