rule contact_sheet:
    input:
        manifests=expand("<results>/frames/{dataset}/manifest.csv", dataset=DATASETS),
        code=code("data/contact_sheet.py"),
    output:
        report("<results>/figures/contact_sheet.png", category="Data", caption="../report/contact_sheet.rst"),
    log:
        "<logs>/contact_sheet.log",
    benchmark:
        "<benchmarks>/contact_sheet.tsv"
    conda:
        "../../environment.yml"
    params:
        roots=[raw_folder(dataset) for dataset in DATASETS],
        seed=SEEDS[0],
    message:
        "Drawing the contact sheet of all data sets"
    script:
        "../scripts/data/contact_sheet.py"


rule study_figures:
    input:
        table=rules.table.output.csv,
        costs=rules.table.output.costs,
        code=code("report/study_figures.py"),
    output:
        overview=report("<results>/figures/overview.png", category="Result", caption="../report/overview.rst"),
        ranks=report("<results>/figures/ranks.png", category="Result", caption="../report/ranks.rst"),
        cost=report("<results>/figures/cost.png", category="Result", caption="../report/cost.rst"),
        svg=[f"<results>/figures/{name}.svg" for name in ("overview", "ranks", "cost")],
    log:
        "<logs>/study_figures.log",
    benchmark:
        "<benchmarks>/study_figures.tsv"
    conda:
        "../../environment.yml"
    params:
        kinds={task: settings["kind"] for task, settings in config["tasks"].items()},
        arms=list(config["methods"]),
        main={task: regimes(task)[0] for task in config["tasks"]},
    message:
        "Drawing the study's results"
    script:
        "../scripts/report/study_figures.py"


rule task_figures:
    input:
        unpack(task_store),
        cases=arms_of(f"<results>/cells/{CELL}/cases.parquet"),
        predictions=arms_of(f"<results>/cells/{CELL}/predictions.parquet"),
        histories=arms_of(f"<results>/cells/{CELL}/history.csv"),
        code=code("report/task_figures.py"),
    output:
        figures=directory("<results>/figures/{task}-{regime}"),
    log:
        "<logs>/task_figures/{task}-{regime}.log",
    benchmark:
        "<benchmarks>/task_figures/{task}-{regime}.tsv"
    conda:
        "../../environment.yml"
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
        arms=list(config["methods"]),
        seeds=SEEDS,
    message:
        "Drawing the results on {wildcards.task} ({wildcards.regime})"
    script:
        "../scripts/report/task_figures.py"


rule representation_map:
    input:
        splits=rules.split.output.splits,
        features=lambda w: expand(
            "<results>/features/{dataset}/{arm}-seed{seed}.npy",
            dataset=config["tasks"][w.task]["dataset"],
            arm=config["methods"],
            seed=SEEDS[0],
        ),
        code=code("report/representation_map.py"),
    output:
        png=report("<results>/figures/{task}-map.png", category="Result", caption="../report/map.rst"),
        svg="<results>/figures/{task}-map.svg",
    log:
        "<logs>/representation_map/{task}.log",
    benchmark:
        "<benchmarks>/representation_map/{task}.tsv"
    conda:
        "../../environment.yml"
    params:
        arms=list(config["methods"]),
    message:
        "Drawing a map of the representations: {wildcards.task}"
    script:
        "../scripts/report/representation_map.py"
