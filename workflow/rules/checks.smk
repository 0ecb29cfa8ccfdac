# What is checked before any job runs.


for arm in config["methods"]:
    for file in initial_file(arm):
        # What the study itself makes may come later.
        if not os.path.isfile(file) and not os.path.abspath(file).startswith(os.path.abspath(R) + os.sep):
            raise WorkflowError(
                f"Config: the arm '{arm}' starts from {file}, which doesn't exist: mend `init` or `imagenet_weights`."
            )


def preflight():
    """Stop before any job where a folder, the ImageNet weights or the GPU that the coming jobs need is not to be had."""
    coming = list(workflow.dag.needrun_jobs())
    for dataset in {job.wildcards.dataset for job in coming if job.rule.name == "extract_frames"}:
        if not simulated(dataset) and not os.path.isdir(raw_folder(dataset)):
            raise WorkflowError(
                f"Data set '{dataset}': the folder {raw_folder(dataset)} doesn't exist."
                f" Set datasets.{dataset}.data_root to the folder that holds the set."
            )
    gpus = max((int(job.resources.get("gpu", 0)) for job in coming), default=0)
    needs = ["--gpus", str(gpus)] if gpus else []
    for job in coming:
        if job.rule.name in ("untrained_encoder", "pretrain") and init_of(job.wildcards.arm) == "imagenet":
            needs += ["--weights", config["encoder"], *initial_file(job.wildcards.arm)]
            break
    if needs:
        check = [sys.executable, ROOT / "workflow/scripts/preflight.py", *needs]
        run = subprocess.run(check, stdout=subprocess.PIPE, text=True)
        if run.returncode:
            raise WorkflowError(run.stdout.strip() or "The checks before the run failed; see above.")
