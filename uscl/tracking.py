"""MLflow as a view of the result files.

Files are the truth: a run is trained and recorded without MLflow, and logged from its files afterwards. So the store
can be switched off, lost and rebuilt without touching a result.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Metric, Param, RunStatus
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from uscl.errors import UserError

# MLflow refuses larger batches.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100
LONGEST_PARAM = 6000
KEY = "uscl.key"


def create_store(database: Path, experiments: Iterable[str]) -> None:
    """Create the SQLite store with its experiments, and mlartifacts/ beside it; what stands there already stays.

    One process must do this before any other opens the store: several that meet a missing file at once wreck it in the
    schema migration.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    client = open_store(database)
    for name in experiments:
        if client.get_experiment_by_name(name) is None:
            # MLflow keeps artifact paths absolute; without this one they would lie in the folder it was called from.
            client.create_experiment(name, artifact_location=f"{artifact_root(database)}/{name}")


def open_store(database: Path) -> MlflowClient:
    """A client of the SQLite store. Raises UserError where the store was made in another folder."""
    client = MlflowClient(tracking_uri=f"sqlite:///{database.resolve()}")
    for experiment in client.search_experiments(filter_string="name != 'Default'"):
        if not experiment.artifact_location.startswith(artifact_root(database)):
            raise UserError(
                f"{database} was made in another folder and keeps its files there ({experiment.artifact_location}):"
                " delete it and run again; every run is logged anew from the result files."
            )
    return client


def artifact_root(database: Path) -> str:
    """Where the files of a store's runs lie."""
    return (database.resolve().parent / "mlartifacts").as_uri()


def log_run(
    client: MlflowClient,
    experiment: str,
    record: dict[str, Any],
    *,
    history: pd.DataFrame | None = None,
    metrics: dict[str, float] | None = None,
    artifacts: Iterable[Path] = (),
    parent: str | None = None,
) -> str:
    """Log one finished run from its record (see `uscl.provenance`) and return its id.

    `history` has `epoch` and one column a metric. A run of the same name that stands in the experiment already is set
    aside (marked superseded and deleted as MLflow deletes: restorable).
    """
    experiment_id = known_experiment(client, experiment)
    supersede(client, experiment_id, record["name"])
    started, ended = (int(1000 * record[key]) for key in ("started", "ended"))
    run_id = client.create_run(experiment_id, start_time=started, tags=run_tags(record, parent)).info.run_id
    points = [Metric(name, value, ended, 0) for name, value in (metrics or {}).items() if pd.notna(value)]
    points += [] if history is None else by_epoch(history, started, ended)
    params = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in flatten(record["params"]).items()]
    for batch in chunks(points, METRICS_A_BATCH):
        client.log_batch(run_id, metrics=batch)
    for batch in chunks(params, PARAMS_A_BATCH):
        client.log_batch(run_id, params=batch)
    client.log_dict(run_id, record, "run.json")
    for path in artifacts:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED), end_time=ended)
    return run_id


def known_experiment(client: MlflowClient, name: str) -> str:
    """The id of an experiment that `create_store` made. Raises UserError where there is none."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        raise UserError(f"The MLflow store has no experiment '{name}': delete its mlflow.db and run again.")
    return experiment.experiment_id


def supersede(client: MlflowClient, experiment_id: str, name: str) -> None:
    """Mark and delete earlier runs of this name and their children: a repeated job must not double its runs."""
    for run in client.search_runs([experiment_id], filter_string=f"tags.`{KEY}` = '{name}'"):
        of_parent = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run.info.run_id}'"
        for old in (run, *client.search_runs([experiment_id], filter_string=of_parent)):
            client.set_tag(old.info.run_id, "uscl.superseded", "true")
            client.delete_run(old.info.run_id)


def run_tags(record: dict[str, Any], parent: str | None) -> dict[str, str]:
    """Tags that name the run, its place in the study and its provenance."""
    provenance = {key: record[key] for key in ("commit", "config_sha256", "data_sha256")}
    hardware = {f"hardware.{key}": value for key, value in record["hardware"].items()}
    tags = {MLFLOW_RUN_NAME: record["name"], KEY: record["name"], **record["tags"], **provenance, **hardware}
    return tags | ({MLFLOW_PARENT_RUN_ID: parent} if parent else {})


def by_epoch(history: pd.DataFrame, started: int, ended: int) -> list[Metric]:
    """One metric point a column and epoch, spread evenly over the run's time."""
    long = history.melt(id_vars="epoch", var_name="name").dropna()
    last = max(1, int(history["epoch"].max()))
    return [
        Metric(row.name, float(row.value), started + (ended - started) * int(row.epoch) // last, int(row.epoch))
        for row in long.itertuples(index=False)
    ]


def flatten(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names.

    >>> flatten({"finetune": {"lr": 0.1}, "seed": 0})
    {'finetune.lr': 0.1, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def chunks(items: list, size: int) -> Iterable[list]:
    """Consecutive parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def log_cell(
    client: MlflowClient,
    experiment: str,
    record: dict[str, Any],
    history: pd.DataFrame,
    scores: pd.DataFrame,
    figures: Path,
) -> dict[str, str]:
    """Log a cell as a run with the mean and sd of its scores, and every fold as its child; returns run ids by name.

    `record` has `folds` with the start and end of each; `history` has fold, and epoch or (of a probe) candidate;
    `scores` has fold, metric, value; `figures` has fold<k>_*.png.
    """
    history = history.rename(columns={"candidate": "epoch"})  # MLflow's steps
    summary = scores.groupby("metric")["value"].agg(["mean", "std"])
    # The MLflow pages can't aggregate over runs.
    means = {f"test_{name}_mean": value for name, value in summary["mean"].items()}
    deviations = {f"test_{name}_sd": value for name, value in summary["std"].items()}
    parent = log_run(client, experiment, record, metrics=means | deviations)
    runs = {record["name"]: parent}
    for fold, times in enumerate(record["folds"]):
        child = record | times | {"name": f"{record['name']}/fold{fold}", "params": record["params"] | {"fold": fold}}
        of_fold = scores[scores["fold"] == fold]
        runs[child["name"]] = log_run(
            client,
            experiment,
            child,
            history=history[history["fold"] == fold].drop(columns=["fold"]).astype({"chosen": int}),
            metrics={f"test_{row.metric}": row.value for row in of_fold.itertuples(index=False)},
            artifacts=sorted(figures.glob(f"fold{fold}_*.png")),
            parent=parent,
        )
    return runs
