# Can the study work? Asked once all data is read and divided, before anything is trained.


# Word and file of every arm that starts from a file that the user names.
GIVEN_WEIGHTS = [[init_of(arm), file] for arm in config["methods"] for file in given_weights(arm)]


rule check_study:
    input:
        # Of the pool and of the tasks' sets, in the order of DATASETS.
        stores=expand("<results>/frames/{dataset}/manifest.csv", dataset=DATASETS),
        hashes=expand(rules.hash_frames.output.hashes, dataset=DATASETS),
        splits=expand(rules.split.output.splits, task=config["tasks"]),
        left_out=rules.audit_study.output.left_out,
        gate=rules.gate.output.passed,
        initial=[file for _, file in GIVEN_WEIGHTS],
        code=code("checks/check_study.py", *sorted({module for arm in PRETRAINED for module in method_modules(arm)})),
    output:
        feasible="<results>/audit/feasible.txt",
    log:
        "<logs>/audit/check_study.log",
    benchmark:
        "<benchmarks>/check_study.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        datasets=DATASETS,
        pool=POOL,
        drop=policy(config["pool"]) == "drop",
        arms={arm: config["methods"][arm] for arm in PRETRAINED},
        initial=GIVEN_WEIGHTS,
        arch=config["encoder"],
        tasks={
            task: {
                "dataset": settings["dataset"],
                "kind": settings["kind"],
                "percents": FRACTIONS["percent"] if task in tasks_with_fractions() else [],
                # Probes train in no batches.
                "batch_size": settings["finetune"]["batch_size"] if {*regimes(task)} - {*PROBES} else 0,
            }
            for task, settings in config["tasks"].items()
        },
        seeds=SEEDS,
        devices=DEVICES,
    message:
        "Looking whether the study can work"
    script:
        "../scripts/checks/check_study.py"
