rule simulate:
    input:
        code=code("data/simulate.py"),
    output:
        raw=directory("<results>/raw/{dataset}"),
    log:
        "<logs>/simulate/{dataset}.log",
    benchmark:
        "<benchmarks>/simulate/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(name for name, settings in config["datasets"].items() if "simulate" in settings),
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: config["datasets"][w.dataset]["simulate"],
        # By name: two sets of one kind must not be the same patients.
        seed=lambda w: derive(SEEDS[0], "simulate", w.dataset),
    message:
        "Simulating ultrasound: {wildcards.dataset}"
    script:
        "../scripts/data/simulate.py"


rule fetch_set:
    input:
        code=code("data/fetch_set.py"),
    output:
        record="<results>/data/{dataset}.json",
    log:
        "<logs>/fetch/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch_set/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(filter(fetched, config["datasets"])),
    # Ahead of everything: downloads take long, and what can't be had should be known early.
    priority: 20
    conda:
        "../../environment.yml"
    params:
        entry=lambda w: entry_of(w.dataset),
        folder=lambda w: raw_folder(w.dataset),
        mirror=config.get("data_mirror"),
        without=lambda w: without(w.dataset),
    message:
        "Fetching {wildcards.dataset}, unless it is there"
    script:
        "../scripts/data/fetch_set.py"


rule fetch:
    input:
        expand("<results>/data/{dataset}.json", dataset=filter(fetched, DATASETS)),
