# Does anything of a test fold stand on the other side too? Asked once all data is read, before anything is trained.


rule hash_frames:
    input:
        unpack(lambda w: store(w.dataset)),
        code=code("audit/hash_frames.py"),
    output:
        hashes="<results>/audit/sets/{dataset}/hashes.npz",
    log:
        "<logs>/audit/hash_frames-{dataset}.log",
    benchmark:
        "<benchmarks>/hash_frames/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    message:
        "Perceptual hashes of all frames: {wildcards.dataset}"
    script:
        "../scripts/audit/hash_frames.py"


rule audit_set:
    input:
        manifest="<results>/frames/{dataset}/manifest.csv",
        hashes=rules.hash_frames.output.hashes,
        code=code("audit/audit_set.py"),
    output:
        findings="<results>/audit/sets/{dataset}/findings.csv",
        units="<results>/audit/sets/{dataset}/units.csv",
    log:
        "<logs>/audit/audit_set-{dataset}.log",
    benchmark:
        "<benchmarks>/audit_set/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        policy=lambda w: policy(w.dataset),
        # What only pretraining sees has no folds to leak across.
        tested=lambda w: bool(tasks_on(w.dataset)),
    message:
        "Looking for the same pictures in several groups: {wildcards.dataset}"
    script:
        "../scripts/audit/audit_set.py"


rule find_text:
    input:
        manifest="<results>/frames/{dataset}/manifest.csv",
        code=code("audit/find_text.py"),
    output:
        findings="<results>/audit/sets/{dataset}/text.csv",
    log:
        "<logs>/audit/find_text-{dataset}.log",
    benchmark:
        "<benchmarks>/find_text/{dataset}.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        root=lambda w: raw_folder(w.dataset),
    message:
        "Looking for burnt-in text: {wildcards.dataset}"
    script:
        "../scripts/audit/find_text.py"


rule audit_study:
    input:
        frames=expand("<results>/frames/{dataset}/frames.npy", dataset=DATASETS),
        manifests=expand("<results>/frames/{dataset}/manifest.csv", dataset=DATASETS),
        hashes=expand(rules.hash_frames.output.hashes, dataset=DATASETS),
        findings=expand(rules.audit_set.output.findings, dataset=DATASETS),
        units=expand(rules.audit_set.output.units, dataset=DATASETS),
        text=expand(rules.find_text.output.findings, dataset=DATASETS),
        code=code("audit/audit_study.py"),
        template=os.path.relpath(ROOT / "uscl/report/pages/audit_page.html.j2"),
    output:
        csv="<results>/audit/audit.csv",
        page=report("<results>/audit/audit.html", category="Data", caption="../report/audit.rst"),
        verdict="<results>/audit/verdict.json",
        left_out="<results>/audit/pool_left_out.csv",
    log:
        "<logs>/audit/audit_study.log",
    benchmark:
        "<benchmarks>/audit_study.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    params:
        datasets=DATASETS,
        pool=POOL,
        policy=policy(config["pool"]),
        # Ids of patients mean the same in two sets of one layout, and in all of a user's own.
        namespaces={dataset: namespace(dataset) for dataset in DATASETS},
    message:
        "Looking for pictures of the test folds in the pretraining pool"
    script:
        "../scripts/audit/audit_study.py"


rule gate:
    input:
        csv=rules.audit_study.output.csv,
        page=rules.audit_study.output.page,
        verdict=rules.audit_study.output.verdict,
        code=code("audit/gate.py"),
    output:
        passed="<results>/audit/passed.txt",
    log:
        "<logs>/audit/gate.log",
    benchmark:
        "<benchmarks>/gate.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    message:
        "Stopping here if anything of a test fold stands on the other side too"
    script:
        "../scripts/audit/gate.py"


rule audit:
    input:
        rules.audit_study.output,
        rules.gate.output,
