rule contact_sheet:
    input:
        manifests=expand("<results>/frames/{dataset}/manifest.csv", dataset=DATASETS),
        code=code("contact_sheet.py"),
    output:
        report("<results>/figures/contact_sheet.png", category="Data", caption="../report/contact_sheet.rst"),
    log:
        "<logs>/contact_sheet.log",
    benchmark:
        "<benchmarks>/contact_sheet.tsv"
    conda:
        "../../environment.yml"
    params:
        roots=[raw_folder(dataset) for dataset in DATASETS],
        seed=SEEDS[0],
    message:
        "Drawing the contact sheet of all data sets"
    script:
        "../scripts/contact_sheet.py"
