rule verify:
    input:
        code=code("checks/verify.py"),
    log:
        "<logs>/verify.log",
    conda:
        "../../environment.yml"
    # It starts a call of its own, which takes all cores.
    threads: workflow.cores
    params:
        results=R,
        snakefile=os.path.relpath(ROOT / "Snakefile"),
        cores=workflow.cores,
        draws=DRAWS,
        seed=SEEDS[0],
    message:
        "Computing a row of the table anew, from nothing"
    script:
        "../scripts/checks/verify.py"
