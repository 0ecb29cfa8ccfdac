rule untrained_encoder:
    input:
        weights=local_weights,
        code=lambda w: code("untrained_encoder.py", f"uscl/pretrain/{config['methods'][w.arm]['method']}.py"),
    output:
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        record="<results>/encoders/{arm}/seed{seed}/run.json",
    log:
        "<logs>/encoders/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/encoders/{arm}-seed{seed}.tsv"
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
        "../scripts/untrained_encoder.py"


rule pretrain:
    input:
        unpack(lambda w: store(config["pool"])),
        code=lambda w: code("pretrain.py", f"uscl/pretrain/{config['methods'][w.arm]['method']}.py"),
    output:
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        record="<results>/encoders/{arm}/seed{seed}/run.json",
        history="<results>/encoders/{arm}/seed{seed}/history.csv",
    log:
        "<logs>/encoders/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/encoders/{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=one_of(PRETRAINED),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPUS,
    params:
        method=lambda w: config["methods"][w.arm]["method"],
        arch=config["encoder"],
        settings=method_settings,
        device=config["device"],
        precision=config["precision"],
    message:
        "Pretraining: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain.py"


rule plot_pretraining:
    input:
        history=rules.pretrain.output.history,
        code=code("plot_pretraining.py"),
    output:
        curve="<results>/encoders/{arm}/seed{seed}/figures/pretraining_curve.png",
    log:
        "<logs>/plot_pretraining/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/plot_pretraining/{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    message:
        "Drawing the pretraining curve: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/plot_pretraining.py"
