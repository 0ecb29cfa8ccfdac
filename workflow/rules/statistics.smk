rule score:
    input:
        outcomes=lambda w: STUDY.cell_outcomes(by.evaluation_of(w)),
        native=lambda w: STUDY.native_files(w.task),
    output:
        cases=f"<results>/statistics/{EVALUATION}/cases.parquet",
        metrics=f"<results>/statistics/{EVALUATION}/metrics.csv",
        trainings=f"<results>/statistics/{EVALUATION}/trainings.csv",
        intervals=f"<results>/statistics/{EVALUATION}/intervals.csv",
        comparisons=f"<results>/statistics/{EVALUATION}/comparisons.csv",
        side_by_side=f"<results>/statistics/{EVALUATION}/cases.csv",
    log:
        f"<logs>/score/{EVALUATION}.log",
    benchmark:
        f"<benchmarks>/score/{EVALUATION}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=code("statistics/score.py"),
        kind=lambda w: TASKS[w.task].kind,
        levels=lambda w: STUDY.levels(w.task),
        native=lambda w: STUDY.native(w.task),
        arms=lambda w: STUDY.evaluated(by.evaluation_of(w)),
        seeds=STUDY.seeds,
        pairs=STUDY.comparisons,
        form=SETTINGS.trainings,
        draws=SETTINGS.draws,
        seed=STUDY.seeds[0],
    message:
        "Scores, intervals and tests: {wildcards.task} ({wildcards.regime}, {wildcards.labels} % of the labels)"
    script:
        "../scripts/statistics/score.py"


rule score_external:
    input:
        outcomes=lambda w: STUDY.external_outcomes(by.external_test_of(w)),
        predictions=lambda w: STUDY.external_predictions(by.external_test_of(w)),
    output:
        cases="<results>/statistics/{task}-{regime}-labels100/on-{dataset}/cases.parquet",
        trainings="<results>/statistics/{task}-{regime}-labels100/on-{dataset}/trainings.csv",
        intervals="<results>/statistics/{task}-{regime}-labels100/on-{dataset}/intervals.csv",
        comparisons="<results>/statistics/{task}-{regime}-labels100/on-{dataset}/comparisons.csv",
    log:
        "<logs>/score_external/{task}-{regime}-{dataset}.log",
    benchmark:
        "<benchmarks>/score_external/{task}-{regime}-{dataset}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=code("statistics/score_external.py"),
        kind=lambda w: TASKS[w.task].kind,
        levels=lambda w: STUDY.levels(w.task),
        arms=lambda w: STUDY.externally_tested(by.external_test_of(w).evaluation),
        seeds=STUDY.seeds,
        pairs=STUDY.comparisons,
        form=SETTINGS.trainings,
        draws=SETTINGS.draws,
        seed=STUDY.seeds[0],
    message:
        "Scores on an external set: {wildcards.task} ({wildcards.regime}) on {wildcards.dataset}"
    script:
        "../scripts/statistics/score_external.py"


rule operating_points:
    input:
        cases=f"<results>/statistics/{EVALUATION}/cases.parquet",
    output:
        f"<results>/statistics/{EVALUATION}/operating_points.csv",
    log:
        f"<logs>/operating_points/{EVALUATION}.log",
    benchmark:
        f"<benchmarks>/operating_points/{EVALUATION}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=code("statistics/operating_points.py"),
        kind=lambda w: TASKS[w.task].kind,
        levels=lambda w: STUDY.levels(w.task),
        points=lambda w: STUDY.operating_points(w.task),
        draws=SETTINGS.draws,
        seed=STUDY.seeds[0],
    message:
        "Sensitivity and specificity at fixed thresholds: {wildcards.task} ({wildcards.regime})"
    script:
        "../scripts/statistics/operating_points.py"


rule endpoints:
    input:
        cases=STUDY.endpoint_cases(),
    output:
        "<results>/statistics/endpoints.csv",
    log:
        "<logs>/endpoints/endpoints.log",
    benchmark:
        "<benchmarks>/endpoints/endpoints.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("statistics/endpoints.py"),
        endpoints=STUDY.endpoints,
        tasks={task: by.checked_task(STUDY, task) for task in TASKS},
        form=SETTINGS.trainings,
    message:
        "Comparisons of means over tasks"
    script:
        "../scripts/statistics/endpoints.py"


rule score_draws:
    input:
        outcomes=lambda w: STUDY.cell_outcomes(*STUDY.draws_of_labels(by.evaluation_of(w))),
        native=lambda w: STUDY.native_files(w.task),
    output:
        trainings=f"<results>/statistics/{EVALUATION}/over_draws/trainings.csv",
        intervals=f"<results>/statistics/{EVALUATION}/over_draws/intervals.csv",
        comparisons=f"<results>/statistics/{EVALUATION}/over_draws/comparisons.csv",
    log:
        f"<logs>/score_draws/{EVALUATION}.log",
    benchmark:
        f"<benchmarks>/score_draws/{EVALUATION}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=code("statistics/score_draws.py"),
        kind=lambda w: TASKS[w.task].kind,
        levels=lambda w: STUDY.levels(w.task),
        native=lambda w: STUDY.native(w.task),
        arms=lambda w: STUDY.evaluated(by.evaluation_of(w)),
        seeds=STUDY.seeds,
        label_draws=lambda w: len(STUDY.draws_of_labels(by.evaluation_of(w))),
        pairs=STUDY.comparisons,
        form=SETTINGS.trainings,
        draws=SETTINGS.draws,
        seed=STUDY.seeds[0],
    message:
        "Scores over draws of the labels: {wildcards.task} ({wildcards.regime}, labels{wildcards.labels})"
    script:
        "../scripts/statistics/score_draws.py"


rule label_fraction_curves:
    input:
        intervals=STUDY.label_intervals(),
    output:
        csv="<results>/label_fractions.csv",
        png=report(
            "<results>/figures/label_fractions.png",
            category="Result",
            labels={"what": "label fractions"},
            caption="../report/label_fractions.rst",
        ),
        svg="<results>/figures/label_fractions.svg",
    log:
        "<logs>/label_fraction_curves/curves.log",
    benchmark:
        "<benchmarks>/label_fraction_curves/curves.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("statistics/label_fractions.py"),
        evaluations=[list(evaluation) for evaluation in STUDY.label_fractions],
        kinds={task: settings.kind for task, settings in TASKS.items()},
        arms=STUDY.arms,
    message:
        "Scores with a part of the labels"
    script:
        "../scripts/statistics/label_fractions.py"


rule label_fractions:
    """Scores with a part of the labels."""
    input:
        rules.label_fraction_curves.output,
