# What is checked before any job runs.


for arm in config["methods"]:
    for file in given_weights(arm):
        if not os.path.isfile(file):
            raise WorkflowError(
                f"Config: the arm '{arm}' starts from {file}, which doesn't exist: mend `init` or `imagenet_weights`."
            )


def missing(dataset):
    """One sentence on a data set that isn't there and can't be made or fetched: how to get it. Else nothing."""
    folder, entry = raw_folder(dataset), entry_of(dataset)
    if simulated(dataset) or fetched(dataset) or os.path.isdir(folder):
        return None
    if entry:
        return how_to_get(dataset, entry, Path(folder))
    return f"Data set '{dataset}': the folder {folder} doesn't exist: set datasets.{dataset}.data_root to where it is."


def without(dataset):
    """What of the study runs without a data set, as the end of a sentence."""
    if dataset in POOL:
        return "without a pool only arms of the methods random and imagenet can run"
    others = [task for task in config["tasks"] if task not in tasks_on(dataset)]
    named = ", ".join(tasks_on(dataset))
    return f"without it {', '.join(others) or 'no task'} can run: take {named} out of `tasks`"


# Said when the study is planned, so that a dry run says it too; jobs read this file again and keep quiet.
if is_main_process(workflow):
    for dataset in DATASETS:
        if missing(dataset):
            logger.warning(f"Missing: {missing(dataset)}")


def preflight():
    """Stop before any job where a folder, the ImageNet weights or the GPU that the coming jobs need can't be had."""
    coming = list(coming_jobs(workflow))
    for place in {os.path.dirname(file) for job in coming for file in [*job.output, *job.log]}:
        if there := closed(Path(place)):
            raise WorkflowError(
                f"{there} can't be written to: mend its permissions, or name another folder (`results`)."
            )
    fetching = {job.wildcards.dataset for job in coming if job.rule.name == "fetch_set"}
    for dataset in {job.wildcards.dataset for job in coming if job.rule.name == "extract_frames"} - fetching:
        if missing(dataset):
            raise WorkflowError(missing(dataset))
        if fetched(dataset) and not os.path.isdir(raw_folder(dataset)):
            raise WorkflowError(
                f"Data set '{dataset}': the folder {raw_folder(dataset)} was there and is gone: put it back, or fetch it"
                f" again with --forcerun fetch_set."
            )
    gpus = max((int(job.resources.get("gpu", 0)) for job in coming), default=0)
    needs = ["--gpus", str(gpus)] if gpus else []
    for job in coming:
        if job.rule.name in ("untrained_encoder", "pretrain") and init_of(job.wildcards.arm) == "imagenet":
            needs += ["--weights", config["encoder"], *initial_file(job.wildcards.arm)]
            break
    if needs:
        check = [sys.executable, ROOT / "workflow/scripts/checks/preflight.py", *needs]
        run = subprocess.run(check, stdout=subprocess.PIPE, text=True)
        if run.returncode:
            raise WorkflowError(run.stdout.strip() or "The checks before the run failed; see above.")
