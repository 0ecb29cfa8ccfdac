rule untrained_encoder:
    input:
        # Only in order, as in the rule below: what can't work stops before anything is trained from it.
        feasible=ancient("<results>/audit/feasible.txt"),
        weights=initial_weights,
        code=lambda w: code("pretrain/untrained_encoder.py", *method_modules(w.arm)),
    output:
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        record="<results>/encoders/{arm}/seed{seed}/run.json",
    log:
        "<logs>/encoders/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/untrained_encoder/{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=one_of(UNTRAINED),
    conda:
        "../../environment.yml"
    params:
        method=lambda w: config["methods"][w.arm]["method"],
        arch=config["encoder"],
    message:
        "Encoder without pretraining: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/untrained_encoder.py"


rule pretrain:
    input:
        unpack(lambda w: store(config["pool"])),
        # Only in order: a task that joins the study doesn't change what is pretrained, unless it takes videos away.
        gate=ancient("<results>/audit/passed.txt"),
        feasible=ancient("<results>/audit/feasible.txt"),
        left_out="<results>/audit/pool_left_out.csv" if policy(config["pool"]) == "drop" else [],
        initial=initial_weights,
        code=lambda w: code("pretrain/pretrain.py", *method_modules(w.arm)),
    output:
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        heads="<results>/encoders/{arm}/seed{seed}/heads.safetensors",
        record="<results>/encoders/{arm}/seed{seed}/run.json",
        history="<results>/encoders/{arm}/seed{seed}/history.csv",
        parts="<results>/encoders/{arm}/seed{seed}/pool_parts.csv",
        pairs="<results>/encoders/{arm}/seed{seed}/pairs.csv",
    log:
        "<logs>/encoders/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/pretrain/{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=one_of(PRETRAINED),
    # For one that was told to end or was killed; a mistake ends at once (see uscl/jobs/attempts.py).
    retries: 2
    conda:
        "../../environment.yml"
    threads: 1 if GPUS else DEVICES
    resources:
        gpu=GPUS * DEVICES,
    params:
        method=lambda w: config["methods"][w.arm]["method"],
        init=lambda w: init_of(w.arm),
        arch=config["encoder"],
        settings=method_settings,
        device=config["device"],
        devices=DEVICES,
        precision=config["precision"],
        # Not an output: Snakemake clears those away when it starts a job again.
        checkpoints=lambda w: f"{R}/checkpoints/{w.arm}/seed{w.seed}",
    message:
        "Pretraining: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/pretrain.py"


rule plot_pretraining:
    input:
        history=rules.pretrain.output.history,
        pairs=rules.pretrain.output.pairs,
        manifest=store(config["pool"])["manifest"],
        frames=store(config["pool"])["frames"],
        code=code("pretrain/plot_pretraining.py"),
    output:
        curve="<results>/encoders/{arm}/seed{seed}/figures/pretraining_curve.png",
        weights="<results>/encoders/{arm}/seed{seed}/figures/pair_weights.png",
        film_strip="<results>/encoders/{arm}/seed{seed}/figures/film_strip.png",
        svg=expand(
            "<results>/encoders/{{arm}}/seed{{seed}}/figures/{name}.svg",
            name=["pretraining_curve", "pair_weights", "film_strip"],
        ),
    log:
        "<logs>/plot_pretraining/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/plot_pretraining/{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    message:
        "Drawing the pretraining curves: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/plot_pretraining.py"
