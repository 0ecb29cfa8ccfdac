rule data_card:
    input:
        unpack(lambda w: store(w.dataset)),
        problems="<results>/frames/{dataset}/problems.csv",
        fetched=lambda w: [f"{R}/data/{w.dataset}.json"] if fetched(w.dataset) else [],
        units=rules.audit_set.output.units,
        findings=rules.audit_study.output.csv,
        left_out=rules.audit_study.output.left_out,
        code=code("data/data_card.py"),
    output:
        card=report("<results>/data_cards/{dataset}.md", category="Data", caption="../report/data_card.rst"),
        sheet="<results>/data_cards/{dataset}.png",
    log:
        "<logs>/data_card/{dataset}.log",
    benchmark:
        "<benchmarks>/data_card/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        entry=lambda w: entry_of(w.dataset),
        root=lambda w: raw_folder(w.dataset),
        settings=lambda w: config["datasets"][w.dataset] | {"frame_size": config["frame_size"]},
        kinds=lambda w: {task: config["tasks"][task]["kind"] for task in tasks_on(w.dataset)},
        pool=lambda w: w.dataset in POOL,
        seed=SEEDS[0],
    message:
        "Writing the data card: {wildcards.dataset}"
    script:
        "../scripts/data/data_card.py"


rule data_cards:
    input:
        expand("<results>/data_cards/{dataset}.md", dataset=DATASETS),


rule data:
    input:
        rules.audit.input,
        rules.data_cards.input,
