rule split:
    input:
        unpack(task_store),
        units=lambda w: f"{R}/audit/sets/{config['tasks'][w.task]['dataset']}/units.csv",
        # Only in order: a data set that joins the study doesn't change the folds of the others.
        gate=ancient("<results>/audit/passed.txt"),
        code=code("data/split.py"),
    output:
        splits="<results>/splits/{task}.csv",
    log:
        "<logs>/split/{task}.log",
    benchmark:
        "<benchmarks>/split/{task}.tsv"
    # Ahead of training: what is wrong with the data should be known early.
    priority: 10
    conda:
        "../../environment.yml"
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
        splits=config["splits"],
        seed=SEEDS[0],
    message:
        "Drawing folds: {wildcards.task}"
    script:
        "../scripts/data/split.py"
