rule finetune:
    input:
        unpack(task_store),
        splits=rules.split.output.splits,
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        code=lambda w: code("evaluate/finetune.py", f"uscl/evaluate/{config['tasks'][w.task]['kind']}.py"),
    output:
        predictions=f"<results>/cells/{CELL}/predictions.parquet",
        history=f"<results>/cells/{CELL}/history.csv",
        record=f"<results>/cells/{CELL}/run.json",
    log:
        f"<logs>/cells/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/finetune/{CELL_NAME}.tsv"
    wildcard_constraints:
        regime="finetune|last_block",
    # For one that was told to end or was killed; a mistake ends at once (see uscl/jobs/attempts.py).
    retries: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
        settings=finetune_settings,
        device=config["device"],
        precision=config["precision"],
        # Not an output: Snakemake clears those away when it starts a job again.
        finished_folds=lambda w: f"{R}/checkpoints/cells/{CELL}".format(**w),
    message:
        "Fine-tuning ({wildcards.regime}): {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/evaluate/finetune.py"


rule features:
    input:
        unpack(lambda w: store(w.dataset)),
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        code=code("evaluate/features.py"),
    output:
        features="<results>/features/{dataset}/{arm}-seed{seed}.npy",
    log:
        "<logs>/features/{dataset}-{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/features/{dataset}-{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        device=config["device"],
        precision=config["precision"],
    message:
        "Features of the frozen encoder: {wildcards.arm}, seed {wildcards.seed}, on {wildcards.dataset}"
    script:
        "../scripts/evaluate/features.py"


rule probe:
    input:
        splits=rules.split.output.splits,
        manifest=lambda w: task_store(w)["manifest"],
        features=lambda w: f"{R}/features/{config['tasks'][w.task]['dataset']}/{w.arm}-seed{w.seed}.npy",
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        code=code("evaluate/probe.py"),
    output:
        predictions=f"<results>/cells/{CELL}/predictions.parquet",
        history=f"<results>/cells/{CELL}/history.csv",
        record=f"<results>/cells/{CELL}/run.json",
    log:
        f"<logs>/cells/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/probe/{CELL_NAME}.tsv"
    wildcard_constraints:
        regime="linear|knn",
    conda:
        "../../environment.yml"
    threads: 1
    message:
        "Probing frozen features ({wildcards.regime}): {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate/probe.py"


rule score:
    input:
        predictions=f"<results>/cells/{CELL}/predictions.parquet",
        code=code("evaluate/score.py"),
    output:
        cases=f"<results>/cells/{CELL}/cases.parquet",
        metrics=f"<results>/cells/{CELL}/metrics.csv",
        best_on_test=f"<results>/cells/{CELL}/best_on_test_epoch.csv",
    log:
        f"<logs>/score/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/score/{CELL_NAME}.tsv"
    conda:
        "../../environment.yml"
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
    message:
        "Scoring stored predictions: {wildcards.arm} on {wildcards.task} ({wildcards.regime}), seed {wildcards.seed}"
    script:
        "../scripts/evaluate/score.py"


rule draw_cell:
    input:
        unpack(task_store),
        predictions=f"<results>/cells/{CELL}/predictions.parquet",
        history=f"<results>/cells/{CELL}/history.csv",
        code=code("evaluate/draw_cell.py"),
    output:
        figures=directory(f"<results>/cells/{CELL}/figures"),
    log:
        f"<logs>/draw_cell/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/draw_cell/{CELL_NAME}.tsv"
    conda:
        "../../environment.yml"
    message:
        "Drawing {wildcards.arm} on {wildcards.task} ({wildcards.regime}), seed {wildcards.seed}"
    script:
        "../scripts/evaluate/draw_cell.py"
