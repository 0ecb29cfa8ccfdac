rule simulate:
    output:
        raw=directory("<results>/raw/{dataset}"),
    log:
        "<logs>/simulate/{dataset}.log",
    benchmark:
        "<benchmarks>/simulate/{dataset}.tsv"
    wildcard_constraints:
        dataset=by.one_of(filter(STUDY.data.simulated, SETTINGS.datasets)),
    conda:
        "../../environment.yml"
    params:
        code=code("data/simulate.py"),
        settings=lambda w: STUDY.data.simulation(w.dataset),
    message:
        "Simulating ultrasound: {wildcards.dataset}"
    script:
        "../scripts/data/simulate.py"


rule fetch_set:
    output:
        record="<results>/data/{dataset}.json",
    log:
        "<logs>/fetch_set/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch_set/{dataset}.tsv"
    wildcard_constraints:
        dataset=by.one_of(filter(STUDY.data.fetched, SETTINGS.datasets)),
    # Before everything else: downloads take long, and a failing one should show early.
    priority: 20
    conda:
        "../../environment.yml"
    params:
        code=code("data/fetch_set.py"),
        # Without the texts of the entry: an edited sentence is no reason to fetch a set again.
        entry=lambda w: {key: STUDY.data.entry(w.dataset)[key] for key in ("files", "version", "by_hand")},
        folder=lambda w: STUDY.data.folder(w.dataset),
        mirror=SETTINGS.data_mirror,
        without=lambda w: without(STUDY, w.dataset),
    message:
        "Fetching {wildcards.dataset}, unless it is there"
    script:
        "../scripts/data/fetch_set.py"


rule fetch:
    """The archives of the study's public sets."""
    input:
        [f"<results>/data/{dataset}.json" for dataset in STUDY.datasets if STUDY.data.fetched(dataset)],


rule extract_frames:
    input:
        raw=lambda w: STUDY.data.folder(w.dataset) if STUDY.data.simulated(w.dataset) else [],
        fetched=lambda w: f"{R}/data/{w.dataset}.json" if STUDY.data.fetched(w.dataset) else [],
    output:
        frames="<results>/frames/{dataset}/frames.npy",
        masks="<results>/frames/{dataset}/masks.npy",
        native_masks="<results>/frames/{dataset}/native_masks.parquet",
        manifest="<results>/frames/{dataset}/manifest.parquet",
        head="<results>/frames/{dataset}/manifest_head.csv",
        problems="<results>/frames/{dataset}/problems.csv",
    log:
        "<logs>/extract_frames/{dataset}.log",
    benchmark:
        "<benchmarks>/extract_frames/{dataset}.tsv"
    # Before training: faults of the data should show early.
    priority: 10
    conda:
        "../../environment.yml"
    threads: PER_DATASET
    params:
        code=lambda w: keys.reader_code(STUDY, w.dataset),
        reading=lambda w: STUDY.data.reading(w.dataset),
    message:
        "Extracting frames: {wildcards.dataset}"
    script:
        "../scripts/data/extract_frames.py"


rule split:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        units=lambda w: f"{R}/audit/sets/{TASKS[w.task].dataset}/units.csv",
    output:
        splits=STUDY.splits("{task}", "{partition}"),
    log:
        "<logs>/split/{task}-seed{partition}.log",
    benchmark:
        "<benchmarks>/split/{task}-seed{partition}.tsv"
    wildcard_constraints:
        task=by.one_of(task for task in TASKS if task not in STUDY.given),
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("data/split.py"),
        kind=lambda w: TASKS[w.task].kind,
        classes=lambda w: STUDY.classes(w.task),
        structures=lambda w: STUDY.structures(w.task),
        folds=SETTINGS.splits.folds,
        inner=SETTINGS.splits.inner,
        sampling=lambda w: STUDY.sampling(w.task),
    message:
        "Drawing folds: {wildcards.task}, seed {wildcards.partition}"
    script:
        "../scripts/data/split.py"


rule given_split:
    input:
        unpack(lambda w: STUDY.data.store(TASKS[w.task].dataset)),
        units=lambda w: f"{R}/audit/sets/{TASKS[w.task].dataset}/units.csv",
    output:
        splits=STUDY.given_splits("{task}", "{partition}"),
    log:
        "<logs>/given_split/{task}-seed{partition}.log",
    benchmark:
        "<benchmarks>/given_split/{task}-seed{partition}.tsv"
    wildcard_constraints:
        task=by.one_of(STUDY.given),
    priority: 10
    conda:
        "../../environment.yml"
    params:
        code=code("data/given_split.py"),
        kind=lambda w: TASKS[w.task].kind,
        classes=lambda w: STUDY.classes(w.task),
        inner=SETTINGS.splits.inner,
        sampling=lambda w: STUDY.sampling(w.task),
    message:
        "Taking the given split: {wildcards.task}, seed {wildcards.partition}"
    script:
        "../scripts/data/given_split.py"


rule folds:
    """The folds of all tasks."""
    input:
        [file for task in TASKS for file in STUDY.all_splits(task)],


rule data_card:
    input:
        unpack(lambda w: STUDY.data.store(w.dataset)),
        problems="<results>/frames/{dataset}/problems.csv",
        fetched=lambda w: [f"{R}/data/{w.dataset}.json"] if STUDY.data.fetched(w.dataset) else [],
        units="<results>/audit/sets/{dataset}/units.csv",
        findings="<results>/audit/audit.csv",
        left_out="<results>/audit/pool_left_out.csv",
    output:
        card="<results>/data_cards/{dataset}.md",
        page=report(
            "<results>/data_cards/{dataset}.html",
            category="Data",
            labels={"data set": "{dataset}", "what": "card"},
            caption="../report/data_card.rst",
        ),
        sheet=report(
            "<results>/data_cards/{dataset}.png",
            category="Data",
            labels={"data set": "{dataset}", "what": "frames"},
            caption="../report/contact_sheet.rst",
        ),
    log:
        "<logs>/data_card/{dataset}.log",
    benchmark:
        "<benchmarks>/data_card/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("data/data_card.py", *by.TEMPLATES),
        entry=lambda w: STUDY.data.entry(w.dataset),
        root=lambda w: STUDY.data.folder(w.dataset),
        settings=lambda w: config["datasets"][w.dataset] | {"frame_size": SETTINGS.frame_size},
        kinds=lambda w: {task: TASKS[task].kind for task in STUDY.tasks_on(w.dataset)},
        pool=lambda w: w.dataset in STUDY.pool,
        seed=STUDY.seeds[0],
    message:
        "Writing the data card: {wildcards.dataset}"
    script:
        "../scripts/data/data_card.py"


rule data_cards:
    """A card of every data set."""
    input:
        [f"<results>/data_cards/{dataset}.md" for dataset in STUDY.datasets],


rule data:
    """All data, read and audited, with a card per set."""
    input:
        "<results>/audit/passed.txt",
        rules.data_cards.input,
