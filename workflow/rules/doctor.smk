rule doctor:
    input:
        lock=os.path.relpath(ROOT / "requirements.lock"),
        code=code("checks/doctor.py"),
    log:
        "<logs>/doctor.log",
    conda:
        "../../environment.yml"
    params:
        registry=REGISTRY,
        results=R,
        snakefile=os.path.relpath(ROOT / "Snakefile"),
        options=study_options(workflow),
        cores=workflow.cores,
        datasets=[
            {
                "name": dataset,
                "folder": raw_folder(dataset),
                "exists": os.path.isdir(raw_folder(dataset)),
                "fetchable": fetched(dataset),
                "how_to_get": missing(dataset) or "",
            }
            for dataset in DATASETS
        ],
    message:
        "Looking at what the study needs and what is there"
    script:
        "../scripts/checks/doctor.py"
