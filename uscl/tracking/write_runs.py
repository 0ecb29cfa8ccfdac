"""Write runs to MLflow: each is logged once, updated as its files appear, and marked complete only at the very end."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from mlflow.entities import Run as Logged
from mlflow.entities import RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils import mlflow_tags

from uscl.tracking.logged_models import delete_models, log_model
from uscl.tracking.points import curves, data_sets, params_of, scores
from uscl.tracking.run import FINISHED, PROVISIONAL, RUNNING, Run, provenance_of

METRICS_PER_BATCH, PARAMS_PER_BATCH = 800, 100  # MLflow refuses larger batches
LONGEST_TAG = 5000  # characters
KEY, DIGEST, REASON, SUPERSEDED = "uscl.key", "uscl.digest", "uscl.reason", "uscl.superseded"
PARENT = mlflow_tags.MLFLOW_PARENT_RUN_ID
LEARNED = "learned"  # a key of an encoder's record (`uscl.pretrain.engine.pretrained`), and the tag's name
AXES = ("task", "regime", "labels", "seed", "fold")  # settings that are tags too
# Parts of a run that may change while it stays the same run; its files may change too.
CHANGING = {"status", "record", "end", "folds", "state", "inputs"}

Resolve = Callable[[str], str]


def log_once(
    client: MlflowClient, experiment_id: str, run: Run, *, parent: str | None = None, resolve: Resolve = str
) -> tuple[dict[str, str], bool]:
    """Log what the store lacks of a run and its children; returns ids by name, and whether anything was missing.

    `parent` is the id of the run that this one is nested in; `resolve` makes links of the note valid in this store.

    A run that has only gained something since it was logged (epochs, its end, scores, figures) continues under its id.
    Otherwise the run is logged again, and older runs of the same name are marked superseded and deleted; MLflow can
    restore deleted runs. A running or failed run does not replace an older finished one, unless it gathers others.
    """
    same = next(
        (old for old in found(client, experiment_id, KEY, run.name) if old.info.start_time == run.started), None
    )
    if same and parent and same.data.tags.get(PARENT) != parent:  # its parent could not be logged before it
        client.set_tag(same.info.run_id, PARENT, parent)
    children = of_children(client, experiment_id, same) if same and not run.gathers else {}
    if same and is_whole(same, run) and children.keys() == {child.name for child in run.children}:
        return {run.name: same.info.run_id} | {name: old.info.run_id for name, old in children.items()}, False
    kept = same if same and continues(same, run) else None
    more = {PARENT: parent} if parent else {}
    run_id = kept.info.run_id if kept else create(client, experiment_id, run, more, resolve)
    ids = {run.name: run_id}
    for child in run.children:
        old = children.get(child.name) if kept else None
        going_on = old if old and old.info.start_time == child.started and continues(old, child) else None
        more = {PARENT: run_id}
        ids[child.name] = going_on.info.run_id if going_on else create(client, experiment_id, child, more, resolve)
        if not (going_on and is_whole(going_on, child)):
            fill(client, ids[child.name], child, going_on, resolve)
    supersede(client, experiment_id, run, ids)
    fill(client, run_id, run, kept, resolve)  # last, so that an incomplete run does not count as complete
    return ids, True


def parts_of(logged: Logged) -> dict[str, str]:
    """The logged parts of a run; empty if logging was cut off or another version logged the run.

    The tag of a new run exists from the start, and lists more than was logged until the run has the same status.
    """
    try:
        found = json.loads(logged.data.tags.get(DIGEST, ""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("status") == logged.info.status else {}


def is_whole(logged: Logged, run: Run) -> bool:
    """Whether the store has exactly these parts of a run."""
    return parts_of(logged) == run.parts


def continues(logged: Logged, run: Run) -> bool:
    """Whether a run is a logged one that has only gained something: no logged part differs or is gone."""
    old, new = parts_of(logged), run.parts
    if not old:
        return False  # logging was cut off: log the whole run again
    free = set(CHANGING)
    if logged.info.status == RUNNING:
        free.add("history")
    elif logged.info.status == run.status == PROVISIONAL:  # a later value of a metric takes the place of an earlier one
        free |= {name for name in new if name.startswith("metrics ")}
    differing = {name for name, value in old.items() if new.get(name) != value and name not in free}
    return all(name.startswith("file ") and name in new for name in differing)


def found(client: MlflowClient, experiment_id: str, tag: str, value: str) -> list[Logged]:
    """Active runs with a given value of a tag."""
    return list(client.search_runs([experiment_id], filter_string=f"tags.`{tag}` = '{value}'"))


def of_children(client: MlflowClient, experiment_id: str, parent: Logged) -> dict[str, Logged]:
    """A run's children by name."""
    children = found(client, experiment_id, PARENT, parent.info.run_id)
    return {child.data.tags[KEY]: child for child in children}


def supersede(client: MlflowClient, experiment_id: str, run: Run, ids: Mapping[str, str]) -> None:
    """Mark and delete runs of this name that `ids` does not name, and their children; children first.

    Also deletes children of the new run that are not named: a request that was sent twice may have created them. Runs
    that were nested in an older run that gathers them are nested in the new one.
    """
    kept = set(ids.values())
    for old in found(client, experiment_id, KEY, run.name):
        if run.status != FINISHED and old.info.status == FINISHED and not run.gathers:
            continue
        below = found(client, experiment_id, PARENT, old.info.run_id)
        if run.gathers:
            for one in below:
                client.set_tag(one.info.run_id, PARENT, ids[run.name])
        for one in (*([] if run.gathers else below), old):
            if one.info.run_id not in kept:
                delete_models(client, one)
                client.set_tag(one.info.run_id, SUPERSEDED, "true")
                client.delete_run(one.info.run_id)


def withdraw(client: MlflowClient, experiment_id: str, run: Run) -> None:
    """Delete what was begun of a run that can't be logged: it would stay in the store as if it were still running."""
    for one in (run, *run.children):
        for begun in found(client, experiment_id, KEY, one.name):
            if begun.info.status == RUNNING:
                client.delete_run(begun.info.run_id)


def create(client: MlflowClient, experiment_id: str, run: Run, more: Mapping[str, str], resolve: Resolve) -> str:
    """Create a run with its start and tags; returns its id."""
    tags = tags_of(run) | dict(more) | ({} if run.running else state_tags(run, resolve))
    return str(client.create_run(experiment_id, start_time=run.started, tags=tags).info.run_id)


def fill(client: MlflowClient, run_id: str, run: Run, logged: Logged | None, resolve: Resolve) -> None:
    """Log what the store lacks of a run: files, metrics, settings, then the tag that completes it, and its end."""
    old, new = parts_of(logged) if logged else {}, run.parts
    changed = {name for name, value in new.items() if old.get(name) != value}
    log_files(client, run_id, run, changed)
    if run.model and "model" in changed:
        log_model(client, run_id, run, run.model)
    points = scores(run, (name.removeprefix("metrics ") for name in changed if name.startswith("metrics ")))
    points += curves(run, old.get("history", "")) if "history" in changed else []
    params = params_of(run) if "settings" in changed else []
    if "inputs" in changed:
        client.log_inputs(run_id, data_sets(run))
    for batch in chunks(params[PARAMS_PER_BATCH:], PARAMS_PER_BATCH):
        client.log_batch(run_id, params=batch)
    for batch in chunks(points[METRICS_PER_BATCH:], METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=batch)
    tags = [RunTag(*pair) for pair in state_tags(run, resolve).items()] if logged or run.running else []
    client.log_batch(run_id, points[:METRICS_PER_BATCH], params[:PARAMS_PER_BATCH], tags)
    if not run.running and {"status", "end"} & changed:
        client.set_terminated(run_id, run.status, end_time=run.ended)


def log_files(client: MlflowClient, run_id: str, run: Run, changed: set[str]) -> None:
    """Log the record, the files and the texts of a run that have changed."""
    if "record" in changed and "fold" not in run.record["params"] and not run.gathers:
        client.log_dict(run_id, run.record, "run.json")
    for path in run.artifacts:
        if f"file {path.name}" in changed:
            client.log_artifact(run_id, str(path))
    for name, text in run.texts.items():
        if f"file {name}" in changed:
            client.log_text(run_id, text, name)


def tags_of(run: Run) -> dict[str, str]:
    """Tags that name the run, its place in the study, its source and its provenance."""
    record, params = run.record, run.record["params"]
    stage = record["tags"].get("stage", "report")
    rules = stage if stage in ("pretrain", "report") else "evaluate"
    return {
        mlflow_tags.MLFLOW_RUN_NAME: record.get("title", run.name),
        mlflow_tags.MLFLOW_SOURCE_TYPE: "LOCAL",
        mlflow_tags.MLFLOW_SOURCE_NAME: f"workflow/rules/{rules}.smk",
        **({mlflow_tags.MLFLOW_GIT_COMMIT: record["commit"]} if "commit" in record else {}),
        **({mlflow_tags.MLFLOW_USER: run.user} if run.user else {}),
        KEY: run.name,
        **{axis: str(params[axis]) for axis in AXES if axis in params},
        **record["tags"],
        **provenance_of(record),
    }


def state_tags(run: Run, resolve: Resolve) -> dict[str, str]:
    """Tags that may change: which parts were logged, why the run failed, what an encoder learned, the note."""
    failed = {REASON: run.reason[:LONGEST_TAG]} if run.reason else {}
    verdict = {LEARNED: run.record[LEARNED]} if LEARNED in run.record else {}
    note = {mlflow_tags.MLFLOW_RUN_NOTE: resolve(run.note)[:LONGEST_TAG]} if run.note else {}
    return {DIGEST: json.dumps(run.parts, sort_keys=True), **failed, **verdict, **note, **run.state}


def chunks(items: Sequence, size: int) -> Iterable[Sequence]:
    """Consecutive parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
