rule compare:
    input:
        cases=arms_of(f"<results>/cells/{CELL}/cases.parquet"),
        code=code("statistics/compare.py"),
    output:
        intervals="<results>/statistics/{task}-{regime}/intervals.csv",
        comparisons="<results>/statistics/{task}-{regime}/comparisons.csv",
        cases="<results>/predictions/{task}-{regime}.csv",
    log:
        "<logs>/compare/{task}-{regime}.log",
    benchmark:
        "<benchmarks>/compare/{task}-{regime}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        kind=lambda w: config["tasks"][w.task]["kind"],
        pairs=compared_pairs(),
        draws=DRAWS,
        seed=SEEDS[0],
    message:
        "Intervals and tests: {wildcards.task} ({wildcards.regime})"
    script:
        "../scripts/statistics/compare.py"
