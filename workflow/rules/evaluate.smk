rule finetune:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        checks=waits(by.checks_before_cell),
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
        encoder="<results>/encoders/{arm}/seed{seed}/outcome.json",
    output:
        outcome=f"<results>/cells/{CELL}/outcome.json",
    log:
        f"<logs>/finetune/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/finetune/{CELL_NAME}.tsv"
    wildcard_constraints:
        regime=by.one_of(filter(STUDY.trains, by.ALL_REGIMES)),
    # For runs that were interrupted or killed. For a run that fails by a mistake of its own, the job writes an outcome
    # and succeeds.
    retries: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        code=lambda w: keys.evaluation_code(STUDY, w.task, w.regime),
        key=lambda w: by.key_of_cell(STUDY, w),
        fit=lambda w: STUDY.fit(w.task, w.regime),
        kind=lambda w: TASKS[w.task].kind,
        settings=lambda w: STUDY.finetune_settings(w.task),
        stream=lambda w: STUDY.stream(w.arm),
        device=SETTINGS.device,
        precision=SETTINGS.precision,
        reading=lambda w: by.reading_of_models(STUDY, w),
        # A parameter and not an output, because Snakemake removes outputs when it starts a job again.
        finished_folds=lambda w: f"{R}/checkpoints/cells/{CELL}".format(**w),
    message:
        "Fine-tuning ({wildcards.regime}): {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/evaluate/finetune.py"


rule features:
    input:
        [file for dataset in STUDY.probed_datasets for file in STUDY.data.store(dataset).values()],
        encoder="<results>/encoders/{arm}/seed{seed}/outcome.json",
    output:
        # One job for all data sets that are probed, because a job spends most of its time on its start.
        [f"<results>/features/{dataset}/{{arm}}-seed{{seed}}.npy" for dataset in STUDY.probed_datasets or ["none"]],
    log:
        "<logs>/features/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/features/{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        code=code("evaluate/features.py"),
        stores=[f"{R}/frames/{dataset}" for dataset in STUDY.probed_datasets],
        device=SETTINGS.device,
        precision=SETTINGS.precision,
    message:
        "Features of the frozen encoder: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/features.py"


rule probe:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        checks=waits(by.checks_before_cell),
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
        features=lambda w: f"{R}/features/{TASKS[w.task].dataset}/{w.arm}-seed{w.seed}.npy",
        encoder="<results>/encoders/{arm}/seed{seed}/outcome.json",
    output:
        outcome=f"<results>/cells/{CELL}/outcome.json",
    log:
        f"<logs>/probe/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/probe/{CELL_NAME}.tsv"
    wildcard_constraints:
        regime=by.one_of(regime for regime in by.ALL_REGIMES if not STUDY.trains(regime)),
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=lambda w: keys.evaluation_code(STUDY, w.task, w.regime),
        key=lambda w: by.key_of_cell(STUDY, w),
        fit=lambda w: STUDY.fit(w.task, w.regime),
        kind=lambda w: TASKS[w.task].kind,
        precision=SETTINGS.precision,
        reading=lambda w: by.reading_of_models(STUDY, w),
    message:
        "Probing frozen features ({wildcards.regime}): {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/probe.py"


rule authors_protocol:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        checks=waits(by.checks_before_authors_run),
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
        encoder="<results>/encoders/{arm}/seed{seed}/outcome.json",
    output:
        outcome=f"<results>/authors_protocol/{by.AUTHORS}/outcome.json",
    log:
        "<logs>/authors_protocol/{task}-{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/authors_protocol/{task}-{arm}-seed{seed}.tsv"
    wildcard_constraints:
        task=by.one_of(SETTINGS.authors_protocol),
    # As for fine-tuning.
    retries: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        code=lambda w: keys.authors_code(STUDY),
        key=lambda w: by.key_of_authors_run(STUDY, w),
        stream=lambda w: STUDY.stream(w.arm),
        device=SETTINGS.device,
        precision=SETTINGS.precision,
        finished_folds=lambda w: f"{R}/checkpoints/authors_protocol/{by.AUTHORS}".format(**w),
    message:
        "Fine-tuning by the authors' protocol: {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/evaluate/authors_protocol.py"
