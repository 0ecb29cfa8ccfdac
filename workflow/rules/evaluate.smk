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
        arm=by.one_of(STUDY.encoded),
        regime=by.one_of(filter(STUDY.trains, by.ALL_REGIMES)),
    # For runs that were interrupted or killed. For a run that fails by a mistake of its own, the job writes an outcome
    # and succeeds.
    retries: 2
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
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
        threads=SETTINGS.threads,
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
    wildcard_constraints:
        arm=by.one_of(STUDY.encoded),
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        gpu=GPUS,
    params:
        code=code("evaluate/features.py"),
        stores=[f"{R}/frames/{dataset}" for dataset in STUDY.probed_datasets],
        device=SETTINGS.device,
        threads=SETTINGS.threads,
        precision=SETTINGS.precision,
    message:
        "Features of the frozen encoder: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/features.py"


rule given_features:
    input:
        manifests=lambda w: [STUDY.data.store(dataset)["manifest"] for dataset in by.datasets_of_given(STUDY, w)],
        splits=lambda w: by.splits_of_given_features(STUDY, w),
    output:
        features="<results>/features/{dataset}/{arm}.npy",
    log:
        "<logs>/given_features/{dataset}-{arm}.log",
    benchmark:
        "<benchmarks>/given_features/{dataset}-{arm}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.giving("features")),
    conda:
        "../../environment.yml"
    params:
        code=code("evaluate/given_features.py"),
        datasets=lambda w: by.datasets_of_given(STUDY, w),
        file=lambda w: SETTINGS.methods[w.arm].file,
        content=lambda w: by.content_of_given(STUDY, w),
    message:
        "Features from a file: {wildcards.arm} on {wildcards.dataset}"
    script:
        "../scripts/evaluate/given_features.py"


rule probe:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        checks=waits(by.checks_before_cell),
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
        features=lambda w: STUDY.features(TASKS[w.task].dataset, w.arm, w.seed),
        encoder=lambda w: STUDY.encoder_outcomes([w.arm], [w.seed]) if w.arm in STUDY.encoded else [],
    output:
        outcome=f"<results>/cells/{CELL}/outcome.json",
    log:
        f"<logs>/probe/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/probe/{CELL_NAME}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.with_features),
        regime=by.one_of(regime for regime in by.ALL_REGIMES if not STUDY.trains(regime)),
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=lambda w: keys.evaluation_code(STUDY, w.task, w.regime),
        key=lambda w: by.key_of_cell(STUDY, w),
        fit=lambda w: STUDY.fit(w.task, w.regime),
        kind=lambda w: TASKS[w.task].kind,
        settings=lambda w: STUDY.scaling(w.task),
        precision=SETTINGS.precision,
        reading=lambda w: by.reading_of_models(STUDY, w),
    message:
        "Probing frozen features ({wildcards.regime}): {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/probe.py"


rule given_predictions:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        checks=waits(by.checks_before_cell),
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
    output:
        outcome=f"<results>/cells/{CELL}/outcome.json",
    log:
        f"<logs>/given_predictions/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/given_predictions/{CELL_NAME}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.giving("predictions")),
    conda:
        "../../environment.yml"
    params:
        code=lambda w: keys.given_predictions_code(STUDY),
        key=lambda w: by.key_of_cell(STUDY, w),
        kind=lambda w: TASKS[w.task].kind,
        structures=lambda w: STUDY.structures(w.task),
        file=lambda w: STUDY.given_file(w.arm, w.task),
    message:
        "Predictions from a file: {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/evaluate/given_predictions.py"


rule external:
    input:
        unpack(lambda w: STUDY.data.store(w.dataset)),
        units="<results>/audit/sets/{dataset}/units.csv",
        outcome="<results>/cells/{task}/{regime}/labels100/{arm}/seed{seed}/outcome.json",
        splits=lambda w: STUDY.splits(w.task, STUDY.partition(int(w.seed))),
    output:
        predictions="<results>/external/{task}/{regime}/{dataset}/{arm}/seed{seed}/predictions.parquet",
    log:
        "<logs>/external/{task}-{regime}-{dataset}-{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/external/{task}-{regime}-{dataset}-{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.encoded),
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads
    resources:
        gpu=GPUS,
    params:
        code=code("evaluate/external.py"),
        kind=lambda w: TASKS[w.task].kind,
        names=lambda w: by.names_of_classes(STUDY, w),
        device=SETTINGS.device,
        threads=SETTINGS.threads,
        precision=SETTINGS.precision,
    message:
        "External test: {wildcards.arm} of {wildcards.task} ({wildcards.regime}) on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/external.py"


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
    threads: SETTINGS.threads
    resources:
        gpu=GPUS,
    params:
        code=lambda w: keys.authors_code(STUDY),
        key=lambda w: by.key_of_authors_run(STUDY, w),
        stream=lambda w: STUDY.stream(w.arm),
        device=SETTINGS.device,
        threads=SETTINGS.threads,
        precision=SETTINGS.precision,
        finished_folds=lambda w: f"{R}/checkpoints/authors_protocol/{by.AUTHORS}".format(**w),
    message:
        "Fine-tuning by the authors' protocol: {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/evaluate/authors_protocol.py"
