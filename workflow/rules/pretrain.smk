rule published_encoder:
    input:
        checks=waits(by.checks_before_encoder),
        weights=lambda w: STUDY.initial_inputs(w.arm),
    output:
        outcome="<results>/encoders/{arm}/seed{seed}/outcome.json",
    log:
        "<logs>/published_encoder/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/published_encoder/{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.published),
    conda:
        "../../environment.yml"
    params:
        code=lambda w: keys.encoder_code(STUDY, w.arm),
        key=lambda w: keys.encoder_key(STUDY, w.arm, int(w.seed)),
        method=lambda w: SETTINGS.methods[w.arm].method,
        arch=lambda w: STUDY.architecture(w.arm),
        settings=lambda w: STUDY.method_settings(w.arm),
    message:
        "Published encoder: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/published_encoder.py"


rule pretrain:
    input:
        unpack(lambda w: STUDY.data.store(SETTINGS.pool)),
        checks=waits(by.checks_before_encoder),
        # A new task of the study doesn't change the pretraining, unless it removes videos from the pool.
        left_out="<results>/audit/pool_left_out.csv" if STUDY.data.on_leak(SETTINGS.pool) == "drop" else [],
        initial=lambda w: STUDY.initial_inputs(w.arm),
    output:
        outcome="<results>/encoders/{arm}/seed{seed}/outcome.json",
    log:
        "<logs>/pretrain/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/pretrain/{arm}-seed{seed}.tsv"
    wildcard_constraints:
        arm=by.one_of(STUDY.from_pool),
    # For runs that were interrupted or killed. For a run that fails by a mistake of its own, the job writes an outcome
    # and succeeds.
    retries: 2
    conda:
        "../../environment.yml"
    threads: SETTINGS.threads * STUDY.devices
    resources:
        gpu=GPUS * STUDY.devices,
    params:
        code=lambda w: keys.encoder_code(STUDY, w.arm),
        key=lambda w: keys.encoder_key(STUDY, w.arm, int(w.seed)),
        method=lambda w: SETTINGS.methods[w.arm].method,
        init=lambda w: STUDY.init(w.arm),
        arch=lambda w: STUDY.architecture(w.arm),
        settings=lambda w: STUDY.method_settings(w.arm),
        shares=STUDY.pool_shares,
        device=SETTINGS.device,
        devices=STUDY.devices,
        # Not the rule's threads, which a call with fewer cores would lower: sums depend on them.
        threads=SETTINGS.threads,
        precision=SETTINGS.precision,
        # A parameter and not an output, because Snakemake removes outputs when it starts a job again.
        checkpoints=lambda w: f"{R}/checkpoints/{w.arm}/seed{w.seed}",
    message:
        "Pretraining: {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/pretrain.py"


rule draw_pretraining:
    input:
        unpack(lambda w: STUDY.data.store(SETTINGS.pool)),
        outcomes=expand("<results>/encoders/{arm}/seed{{seed}}/outcome.json", arm=STUDY.pretrained),
    output:
        figures=directory("<results>/figures/pretraining/seed{seed}"),
    log:
        "<logs>/draw_pretraining/seed{seed}.log",
    benchmark:
        "<benchmarks>/draw_pretraining/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("pretrain/draw_pretraining.py"),
        arms=STUDY.pretrained,
    message:
        "Drawing the pretraining of all arms, seed {wildcards.seed}"
    script:
        "../scripts/pretrain/draw_pretraining.py"
