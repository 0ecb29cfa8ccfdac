rule simulate:
    input:
        code=code("simulate.py"),
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
        "../scripts/simulate.py"
