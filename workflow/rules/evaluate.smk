

rule finetune:
    input:
        unpack(task_store),
        splits=rules.split.output.splits,
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        code=lambda w: code("finetune.py", f"uscl/evaluate/{config['tasks'][w.task]['kind']}.py"),
    output:
        predictions="<results>/cells/{task}/{arm}/seed{seed}/predictions.parquet",
        history="<results>/cells/{task}/{arm}/seed{seed}/history.csv",
        record="<results>/cells/{task}/{arm}/seed{seed}/run.json",
    log:
        "<logs>/cells/{task}-{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/cells/{task}-{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
        finetune=lambda w: config["tasks"][w.task]["finetune"],
        device=config["device"],
        precision=config["precision"],
    message:
        "Fine-tuning: {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}, all folds"
    script:
        "../scripts/finetune.py"


rule score:
    input:
        unpack(task_store),
        predictions=rules.finetune.output.predictions,
        history=rules.finetune.output.history,
        code=code("score.py"),
    output:
        metrics="<results>/cells/{task}/{arm}/seed{seed}/metrics.csv",
        figures=directory("<results>/cells/{task}/{arm}/seed{seed}/figures"),
    log:
        "<logs>/score/{task}-{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/score/{task}-{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
    message:
        "Scoring stored predictions: {wildcards.arm} on {wildcards.task}, seed {wildcards.seed}"
    script:
        "../scripts/score.py"
