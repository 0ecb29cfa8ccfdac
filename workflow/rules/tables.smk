rule table:
    input:
        intervals=evaluations("<results>/statistics/{task}-{regime}/intervals.csv"),
        comparisons=evaluations("<results>/statistics/{task}-{regime}/comparisons.csv"),
        best_on_test=cells(f"<results>/cells/{CELL}/best_on_test_epoch.csv"),
        cells=cells(f"<results>/cells/{CELL}/run.json"),
        encoders=expand("<results>/encoders/{arm}/seed{seed}/run.json", arm=config["methods"], seed=SEEDS),
        verdict="<results>/audit/verdict.json",
        code=code("report/table.py"),
    output:
        csv="<results>/table.csv",
        markdown=report("<results>/table.md", category="Result", caption="../report/table.rst"),
        latex="<results>/table.tex",
        claims="<results>/claims.csv",
        claims_markdown=report("<results>/claims.md", category="Result", caption="../report/claims.rst"),
        costs="<results>/costs.csv",
        reported="<results>/reported.csv",
        reported_markdown="<results>/reported.md",
    log:
        "<logs>/table.log",
    benchmark:
        "<benchmarks>/table.tsv"
    conda:
        "../../environment.yml"
    params:
        study=config["study"],
        datasets={task: settings["dataset"] for task, settings in config["tasks"].items()},
        evaluations=[[task, regime] for task in config["tasks"] for regime in regimes(task)],
        reference=REFERENCE,
        draws=DRAWS,
        labelled=[arm for arm, settings in config["methods"].items() if settings["method"] == "uscl"],
        methods={arm: settings["method"] for arm, settings in config["methods"].items()},
        missing=missing_evaluations(),
    message:
        "Writing the result tables and claims"
    script:
        "../scripts/report/table.py"


rule label_fractions:
    input:
        "<results>/figures/label_fractions.png",
        tracked_label_fractions(),


rule label_fraction_curves:
    input:
        cases=label_fraction_cells(f"<results>/cells/{CELL}/cases.parquet"),
        code=code("statistics/label_fractions.py"),
    output:
        csv="<results>/label_fractions.csv",
        png=report("<results>/figures/label_fractions.png", category="Result", caption="../report/label_fractions.rst"),
        svg="<results>/figures/label_fractions.svg",
    log:
        "<logs>/label_fractions.log",
    benchmark:
        "<benchmarks>/label_fraction_curves.tsv"
    conda:
        "../../environment.yml"
    params:
        kinds={task: settings["kind"] for task, settings in config["tasks"].items()},
        arms=list(config["methods"]),
        draws=DRAWS,
        seed=SEEDS[0],
    message:
        "Scores with a part of the labels"
    script:
        "../scripts/statistics/label_fractions.py"
