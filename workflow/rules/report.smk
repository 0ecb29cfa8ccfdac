rule table:
    input:
        intervals=STUDY.statistics(*STUDY.evaluations, file="intervals.csv"),
        comparisons=STUDY.statistics(*STUDY.evaluations, file="comparisons.csv"),
        endpoints=rules.endpoints.output if STUDY.endpoints else [],
        external_intervals=STUDY.external_statistics(*STUDY.external, file="intervals.csv"),
        external_comparisons=STUDY.external_statistics(*STUDY.external, file="comparisons.csv"),
        authors=STUDY.authors_outcomes(),
        cells=STUDY.cell_outcomes(*STUDY.evaluations),
        encoders=STUDY.encoder_outcomes(),
        verdict="<results>/audit/verdict.json",
    output:
        csv="<results>/table.csv",
        markdown="<results>/table.md",
        latex="<results>/table.tex",
        claims="<results>/claims.csv",
        claims_markdown="<results>/claims.md",
        costs="<results>/costs.csv",
        reported="<results>/reported.csv",
        reported_markdown="<results>/reported.md",
        external=["<results>/external.csv", "<results>/external.md"] if STUDY.external else [],
    log:
        "<logs>/table/table.log",
    benchmark:
        "<benchmarks>/table/table.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/table.py"),
        study=SETTINGS.study,
        arms=STUDY.arms,
        encoded=STUDY.encoded,
        seeds=STUDY.seeds,
        datasets={task: settings.dataset for task, settings in TASKS.items()},
        given=STUDY.given,
        external=by.external_tests(STUDY),
        evaluations=by.evaluations_with_arms(STUDY),
        reference=STUDY.reference,
        primary=STUDY.primary,
        margins=STUDY.margins,
        simulated=STUDY.simulated,
        labelled=[arm for arm in STUDY.arms if STUDY.method(arm).sees_labels],
        authors_tasks=SETTINGS.authors_protocol,
        inputs={arm: [STUDY.architecture(arm), STUDY.input_size(arm) or SETTINGS.frame_size] for arm in STUDY.encoded},
        remarks={arm: list(STUDY.remarks(arm)) for arm in STUDY.arms},
        methods={arm: STUDY.method(arm).name for arm in STUDY.arms},
        missing=STUDY.missing_evaluations(),
        regimes=STUDY.regime_titles,
    message:
        "Writing the result tables and claims"
    script:
        "../scripts/report/table.py"


rule draw:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        # This file is made from the outcomes of all cells, so they need not be listed here a second time.
        cases="<results>/statistics/{task}-{regime}-labels100/cases.parquet",
    output:
        figures=report(
            directory("<results>/figures/{task}-{regime}"),
            patterns=["{name,[^/]+}.png"],  # not those of single cells
            category="Tasks",
            subcategory="{task}",
            labels={"regime": "{regime}", "figure": "{name}"},
            caption="../report/task.rst",
        ),
    log:
        "<logs>/draw/{task}-{regime}.log",
    benchmark:
        "<benchmarks>/draw/{task}-{regime}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/draw.py"),
        cells=lambda w: f"{R}/cells/{w.task}/{w.regime}/labels100",
        kind=lambda w: TASKS[w.task].kind,
        levels=lambda w: STUDY.levels(w.task),
        arms=lambda w: STUDY.evaluated(by.Evaluation(w.task, w.regime, 100)),
        seeds=STUDY.seeds,
    message:
        "Drawing the results on {wildcards.task} ({wildcards.regime})"
    script:
        "../scripts/report/draw.py"


rule study_figures:
    input:
        table=rules.table.output.csv,
        costs=rules.table.output.costs,
        claims=rules.table.output.claims,
        external=rules.table.output.external,
    output:
        [
            report(
                f"<results>/figures/{name}.png",
                category="Result",
                labels={"what": FIGURES[name]},
                caption=f"../report/{name}.rst",
            )
            for name in by.study_figures(STUDY)
        ],
        [f"<results>/figures/{name}.svg" for name in by.study_figures(STUDY)],
    log:
        "<logs>/study_figures/figures.log",
    benchmark:
        "<benchmarks>/study_figures/figures.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/study_figures.py"),
        kinds=by.kinds_in_figures(STUDY),
        arms=STUDY.arms,
        main={task: settings.regimes[0] for task, settings in TASKS.items()},
        levels=by.levels_in_figures(STUDY),
        reference=STUDY.reference,
        gpu=GPUS > 0,
    message:
        "Drawing the study's results"
    script:
        "../scripts/report/study_figures.py"


rule representation_map:
    input:
        splits=lambda w: STUDY.splits(w.task, STUDY.seeds[0]),
        features=lambda w: [
            STUDY.features(TASKS[w.task].dataset, arm, STUDY.seeds[0]) for arm in by.arms_of_map(STUDY, w)
        ],
    output:
        png=report(
            "<results>/figures/{task}-map.png",
            category="Tasks",
            subcategory="{task}",
            labels={"regime": "frozen features", "figure": "map"},
            caption="../report/map.rst",
        ),
        svg="<results>/figures/{task}-map.svg",
    log:
        "<logs>/representation_map/{task}.log",
    benchmark:
        "<benchmarks>/representation_map/{task}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/representation_map.py"),
        arms=lambda w: by.arms_of_map(STUDY, w),
    message:
        "Drawing a map of the representations: {wildcards.task}"
    script:
        "../scripts/report/representation_map.py"


rule contact_sheet:
    input:
        manifests=expand("<results>/frames/{dataset}/manifest.parquet", dataset=STUDY.datasets),
    output:
        report(
            "<results>/figures/contact_sheet.png",
            category="Data",
            labels={"data set": "all", "what": "frames"},
            caption="../report/contact_sheet.rst",
        ),
    log:
        "<logs>/contact_sheet/sheet.log",
    benchmark:
        "<benchmarks>/contact_sheet/sheet.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/contact_sheet.py"),
        roots=[STUDY.data.folder(dataset) for dataset in STUDY.datasets],
        seed=STUDY.seeds[0],
    message:
        "Drawing the contact sheet of all data sets"
    script:
        "../scripts/report/contact_sheet.py"


rule report_page:
    input:
        table=rules.table.output.csv,
        claims=rules.table.output.claims,
        claims_text=rules.table.output.claims_markdown,
        costs=rules.table.output.costs,
        published=rules.table.output.reported_markdown,
        external=rules.table.output.external,
        figures=rules.study_figures.output,
        tasks=[f"<results>/figures/{evaluation.task}-{evaluation.regime}" for evaluation in STUDY.evaluations],
        maps=[f"<results>/figures/{task}-map.png" for task in STUDY.probed],
        pretraining=[f"<results>/figures/pretraining/seed{seed}" for seed in STUDY.seeds if STUDY.pretrained],
        trainings=STUDY.statistics(*STUDY.evaluations, file="trainings.csv"),
        cards=expand("<results>/data_cards/{dataset}.md", dataset=STUDY.datasets),
        sheets=expand("<results>/data_cards/{dataset}.png", dataset=STUDY.datasets),
        verdict="<results>/audit/verdict.json",
        cells=STUDY.cell_outcomes(*STUDY.evaluations),
        encoders=STUDY.encoder_outcomes(),
    output:
        page="<results>/report.html",
        table=report("<results>/table.html", category="Result", labels={"what": "table"}, caption="../report/table.rst"),
        claims=report(
            "<results>/claims.html", category="Result", labels={"what": "claims"}, caption="../report/claims.rst"
        ),
    log:
        "<logs>/report_page/report.log",
    benchmark:
        "<benchmarks>/report_page/report.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("report/report_page.py", *by.TEMPLATES, "CITATION.cff"),
        asked=by.asked(STUDY),
        evaluations=by.evaluations_with_arms(STUDY),
        encoded=STUDY.encoded,
        datasets=STUDY.datasets,
        figures=by.study_figures(STUDY),
    message:
        "Writing the report"
    script:
        "../scripts/report/report_page.py"


rule sync_tracking:
    log:
        "<logs>/sync_tracking/sync.log",
    conda:
        "../../environment.yml"
    params:
        code=code("report/sync_tracking.py"),
        results=R,
        address=SETTINGS.tracking_uri,
        study=SETTINGS.study,
    message:
        "Logging to MLflow what its store lacks"
    script:
        "../scripts/report/sync_tracking.py"
