# Can the study work? Checked once all data is read and divided, before anything is trained.


rule check_study:
    input:
        # For the pool and for the tasks' sets, in the order of STUDY.datasets.
        stores=expand("<results>/frames/{dataset}/manifest.parquet", dataset=STUDY.datasets),
        hashes=expand("<results>/audit/sets/{dataset}/hashes.npz", dataset=STUDY.datasets),
        splits=[file for task in TASKS for file in STUDY.all_splits(task)],
        left_out="<results>/audit/pool_left_out.csv",
        gate="<results>/audit/passed.txt",
        external_units=[f"{R}/audit/sets/{dataset}/units.csv" for _, dataset, _ in by.checked_external(STUDY)],
        initial=[file for arm in STUDY.arms for file in STUDY.given_weights(arm)],
    output:
        feasible=waiting.checked(STUDY),
    log:
        "<logs>/check_study/checks.log",
    benchmark:
        "<benchmarks>/check_study/checks.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=lambda w: keys.checks_code(STUDY),
        datasets=STUDY.datasets,
        pool=STUDY.pool,
        drop=STUDY.data.on_leak(SETTINGS.pool) == "drop",
        arms={arm: SETTINGS.methods[arm].given() for arm in STUDY.from_pool},
        shares=STUDY.pool_shares,
        initial=[
            [STUDY.architecture(arm), STUDY.init(arm), file, STUDY.own_input(arm)]
            for arm in by.starting_from_files(STUDY)
            for file in STUDY.given_weights(arm)
        ],
        checkpoints=by.checked_checkpoints(STUDY),
        given=by.checked_given(STUDY),
        external=by.checked_external(STUDY),
        tasks={task: by.checked_task(STUDY, task) for task in TASKS},
        seeds=STUDY.seeds,
        devices=STUDY.devices,
        expected=STUDY.expected(),
    message:
        "Checking that the study can work"
    script:
        "../scripts/checks/check_study.py"


rule doctor:
    input:
        lock=str(ROOT / "requirements.lock"),
    log:
        "<logs>/doctor/doctor.log",
    conda:
        "../../environment.yml"
    params:
        code=code("checks/doctor.py"),
        registry=STUDY.data.registry,
        results=R,
        snakefile=str(ROOT / "Snakefile"),
        options=study_options(workflow),
        cores=CORES or CORES_OF_A_NODE,
        expected=STUDY.expected(),
        groups={task: STUDY.expected_groups(task) for task in TASKS},
        splits={task: STUDY.all_splits(task)[0] for task in TASKS},
        pretraining={
            "arms": {arm: SETTINGS.methods[arm].given() for arm in STUDY.from_pool},
            "shares": STUDY.pool_shares,
            "devices": STUDY.devices,
        },
        datasets=[
            {
                "name": dataset,
                "folder": STUDY.data.folder(dataset),
                "exists": Path(STUDY.data.folder(dataset)).is_dir(),
                "fetchable": STUDY.data.fetched(dataset) and not STUDY.data.missing(dataset),
                "how_to_get": STUDY.data.missing(dataset) or "",
            }
            for dataset in STUDY.datasets
        ],
    message:
        "Checking what the study needs and what is there"
    script:
        "../scripts/checks/doctor.py"


rule verify:
    log:
        "<logs>/verify/verify.log",
    conda:
        "../../environment.yml"
    # The job starts another Snakemake call, which takes all cores.
    threads: CORES or CORES_OF_A_NODE
    params:
        code=code("checks/verify.py"),
        results=R,
        snakefile=str(ROOT / "Snakefile"),
        cores=CORES or CORES_OF_A_NODE,
        draws=SETTINGS.draws,
        seeds=STUDY.seeds,
        kinds={task: settings.kind for task, settings in TASKS.items()},
        levels={task: STUDY.levels(task) for task in TASKS},
    message:
        "Computing a row of the table again, from nothing"
    script:
        "../scripts/checks/verify.py"
