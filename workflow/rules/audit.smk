# Is any part of a test fold in a training part or in the pool? Checked once all data is read, before any training.


rule hash_frames:
    input:
        unpack(lambda w: STUDY.data.store(w.dataset)),
    output:
        hashes="<results>/audit/sets/{dataset}/hashes.npz",
    log:
        "<logs>/hash_frames/{dataset}.log",
    benchmark:
        "<benchmarks>/hash_frames/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("audit/hash_frames.py"),
    message:
        "Perceptual hashes of all frames: {wildcards.dataset}"
    script:
        "../scripts/audit/hash_frames.py"


rule find_points:
    input:
        manifest="<results>/frames/{dataset}/manifest.parquet",
    output:
        points="<results>/audit/sets/{dataset}/points.npz",
    log:
        "<logs>/find_points/{dataset}.log",
    benchmark:
        "<benchmarks>/find_points/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    threads: PER_DATASET
    params:
        code=code("audit/find_points.py"),
        root=lambda w: STUDY.data.folder(w.dataset),
    message:
        "Points of all pictures: {wildcards.dataset}"
    script:
        "../scripts/audit/find_points.py"


rule audit_set:
    input:
        manifest="<results>/frames/{dataset}/manifest.parquet",
        hashes=rules.hash_frames.output.hashes,
        points=rules.find_points.output.points,
    output:
        findings="<results>/audit/sets/{dataset}/findings.csv",
        units="<results>/audit/sets/{dataset}/units.csv",
    log:
        "<logs>/audit_set/{dataset}.log",
    benchmark:
        "<benchmarks>/audit_set/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("audit/audit_set.py"),
        policy=lambda w: STUDY.data.on_leak(w.dataset),
        # A set that is used only for pretraining has no folds to leak across.
        tested=lambda w: bool(STUDY.tasks_on(w.dataset)) or STUDY.data.external_only(w.dataset),
        given=lambda w: by.checked_parts(STUDY, w.dataset),
    message:
        "Looking for the same pictures in several groups: {wildcards.dataset}"
    script:
        "../scripts/audit/audit_set.py"


rule find_text:
    input:
        manifest="<results>/frames/{dataset}/manifest.parquet",
    output:
        findings="<results>/audit/sets/{dataset}/text.csv",
    log:
        "<logs>/find_text/{dataset}.log",
    benchmark:
        "<benchmarks>/find_text/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("audit/find_text.py"),
        root=lambda w: STUDY.data.folder(w.dataset),
    message:
        "Looking for burnt-in text: {wildcards.dataset}"
    script:
        "../scripts/audit/find_text.py"


rule audit_study:
    input:
        frames=expand("<results>/frames/{dataset}/frames.npy", dataset=STUDY.datasets),
        manifests=expand("<results>/frames/{dataset}/manifest.parquet", dataset=STUDY.datasets),
        hashes=expand(rules.hash_frames.output.hashes, dataset=STUDY.datasets),
        points=expand(rules.find_points.output.points, dataset=STUDY.datasets),
        findings=expand(rules.audit_set.output.findings, dataset=STUDY.datasets),
        units=expand(rules.audit_set.output.units, dataset=STUDY.datasets),
        text=expand(rules.find_text.output.findings, dataset=STUDY.datasets),
    output:
        csv="<results>/audit/audit.csv",
        page=report(
            "<results>/audit/audit.html",
            category="Data",
            labels={"data set": "all", "what": "audit"},
            caption="../report/audit.rst",
        ),
        verdict="<results>/audit/verdict.json",
        left_out="<results>/audit/pool_left_out.csv",
    log:
        "<logs>/audit_study/audit.log",
    benchmark:
        "<benchmarks>/audit_study/audit.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("audit/audit_study.py", "uscl/report/pages/audit_page.html.j2", "uscl/report/pages/audit_recall.csv"),
        datasets=STUDY.datasets,
        pool=STUDY.pool,
        policy=STUDY.data.on_leak(SETTINGS.pool),
        # Patient ids have the same meaning in two sets of one layout, and in all sets of a user's own data.
        external=by.external_pairs(STUDY),
        namespaces={dataset: STUDY.data.namespace(dataset) for dataset in STUDY.datasets},
    message:
        "Looking for pictures of the test folds in the pretraining pool"
    script:
        "../scripts/audit/audit_study.py"


rule gate:
    input:
        csv=rules.audit_study.output.csv,
        page=rules.audit_study.output.page,
        verdict=rules.audit_study.output.verdict,
    output:
        passed="<results>/audit/passed.txt",
    log:
        "<logs>/gate/gate.log",
    benchmark:
        "<benchmarks>/gate/gate.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("audit/gate.py"),
    message:
        "Stopping here if any part of a test fold is in a training part or in the pool"
    script:
        "../scripts/audit/gate.py"


rule audit:
    """The leakage audit alone."""
    input:
        rules.audit_study.output,
        rules.gate.output,
