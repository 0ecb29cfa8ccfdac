rule table:
    input:
        metrics=cells("<results>/cells/{task}/{arm}/seed{seed}/metrics.csv"),
        code=code("table.py"),
    output:
        csv="<results>/table.csv",
        markdown="<results>/table.md",
    log:
        "<logs>/table.log",
    benchmark:
        "<benchmarks>/table.tsv"
    conda:
        "../../environment.yml"
    params:
        study=config["study"],
        labelled=[arm for arm, settings in config["methods"].items() if settings["method"] == "uscl"],
    message:
        "Writing the result table"
    script:
        "../scripts/table.py"
