rule extract_frames:
    input:
        raw=lambda w: raw_folder(w.dataset) if simulated(w.dataset) else [],
        fetched=lambda w: f"{R}/data/{w.dataset}.json" if fetched(w.dataset) else [],
        code=lambda w: code("data/extract_frames.py", f"uscl/data/readers/{layout(config['datasets'][w.dataset])}.py"),
    output:
        frames="<results>/frames/{dataset}/frames.npy",
        masks="<results>/frames/{dataset}/masks.npy",
        manifest="<results>/frames/{dataset}/manifest.csv",
        problems="<results>/frames/{dataset}/problems.csv",
    log:
        "<logs>/extract_frames/{dataset}.log",
    benchmark:
        "<benchmarks>/extract_frames/{dataset}.tsv"
    # Ahead of training: what is wrong with the data should be known early.
    priority: 10
    conda:
        "../../environment.yml"
    # All sets side by side: one that waited for more cores would let training start before it.
    threads: max(1, (workflow.cores or 1) // len(DATASETS))
    params:
        root=lambda w: raw_folder(w.dataset),
        # Snakemake sees no change inside a folder.
        fingerprint=lambda w: fingerprint(raw_folder(w.dataset)),
        reader=lambda w: layout(config["datasets"][w.dataset]),
        options=lambda w: own_data(w.dataset),
        expected=lambda w: expected_counts(w.dataset),
        rate_hz=lambda w: config["datasets"][w.dataset].get("rate_hz"),
        max_frames=lambda w: config["datasets"][w.dataset].get("max_frames"),
        size=config["frame_size"],
        on_bad_video=config["on_bad_video"],
    message:
        "Extracting frames: {wildcards.dataset}"
    script:
        "../scripts/data/extract_frames.py"
