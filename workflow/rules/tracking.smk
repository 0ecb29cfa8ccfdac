include: "tracking_ends.smk"


rule mlflow_store:
    input:
        code=code("tracking/mlflow_store.py"),
    output:
        # An update, not a rewrite: the runs in the store outlive a change of the code that created it.
        database=update("<results>/mlflow.db") if OWN_STORE else [],
        # What the logging jobs wait for: they change the database itself all the time.
        ready="<results>/tracking/store.txt",
    log:
        "<logs>/mlflow_store.log",
    benchmark:
        "<benchmarks>/mlflow_store.tsv"
    conda:
        "../../environment.yml"
    params:
        results=lambda w: R,
        address=config.get("tracking_uri"),
        experiments=[f"{config['study']}/{name}" for name in ("pretrain", *config["tasks"])],
    message:
        "Creating the MLflow store"
    script:
        "../scripts/tracking/mlflow_store.py"


rule track_encoder:
    input:
        ready=rules.mlflow_store.output.ready,
        encoder="<results>/encoders/{arm}/seed{seed}/encoder.safetensors",
        record="<results>/encoders/{arm}/seed{seed}/run.json",
        more=lambda w: (
            []
            if w.arm in UNTRAINED
            else [
                *map(rules.pretrain.output.get, ("history", "heads", "parts", "pairs")),
                *rules.plot_pretraining.output,
            ]
        ),
        code=code("tracking/track_encoder.py"),
    output:
        runs="<results>/tracking/encoders/{arm}-seed{seed}.json",
    log:
        "<logs>/tracking/encoders/{arm}-seed{seed}.log",
    benchmark:
        "<benchmarks>/track_encoder/{arm}-seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        results=lambda w: R,
        address=config.get("tracking_uri"),
        study=config["study"],
    message:
        "Logging to MLflow: encoder {wildcards.arm}, seed {wildcards.seed}"
    script:
        "../scripts/tracking/track_encoder.py"


rule track_cell:
    input:
        ready=rules.mlflow_store.output.ready,
        record=f"<results>/cells/{CELL}/run.json",
        history=f"<results>/cells/{CELL}/history.csv",
        metrics=f"<results>/cells/{CELL}/metrics.csv",
        figures=f"<results>/cells/{CELL}/figures",
        code=code("tracking/track_cell.py"),
    output:
        runs=f"<results>/tracking/cells/{CELL_NAME}.json",
    log:
        f"<logs>/tracking/cells/{CELL_NAME}.log",
    benchmark:
        f"<benchmarks>/track_cell/{CELL_NAME}.tsv"
    conda:
        "../../environment.yml"
    params:
        results=lambda w: R,
        address=config.get("tracking_uri"),
        study=config["study"],
    message:
        "Logging to MLflow: {wildcards.arm} on {wildcards.task} ({wildcards.regime}), seed {wildcards.seed}"
    script:
        "../scripts/tracking/track_cell.py"


rule sync_tracking:
    input:
        code=code("tracking/sync_tracking.py"),
    log:
        "<logs>/sync_tracking.log",
    conda:
        "../../environment.yml"
    params:
        results=lambda w: R,
        address=config.get("tracking_uri"),
        study=config["study"],
    message:
        "Logging to MLflow what its store lacks"
    script:
        "../scripts/tracking/sync_tracking.py"
