"""The model files behind a run or a logged model in MLflow."""

import os
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from uscl.base.errors import UserError
from uscl.base.redaction import ADDRESS
from uscl.models.logged_model import DATA, file_in
from uscl.tracking.address import SQLITE
from uscl.tracking.write_runs import PARENT

OWN = Path("results/mlflow.db")  # the store that is meant if the environment names none


def files_of(name: str) -> list[Path]:
    """The files of `runs:/ID` (of a fold, or of a training: all its folds) or `models:/ID`. Raises UserError."""
    address = os.environ.get(ADDRESS) or (f"{SQLITE}{OWN.resolve()}" if OWN.is_file() else None)
    if address is None:
        raise UserError(f"{name} is in an MLflow store, but there is no {OWN} here: name the store in {ADDRESS}.")
    client, (kind, _, identity) = MlflowClient(address), name.partition(":/")
    mlflow.set_tracking_uri(address)
    try:
        models = [identity] if kind == "models" else models_of(client, identity)
        if not models:
            raise UserError(f"{name} has no model: its study did not keep any (`keep_models`).")
        return [file_in(Path(mlflow.artifacts.download_artifacts(f"models:/{model}"), DATA)) for model in models]
    except MlflowException as error:
        raise UserError(f"{name} can't be used ({error.message}): see `uscl ui` for the runs of a study.") from error


def models_of(client: MlflowClient, run_id: str) -> list[str]:
    """The ids of the models of a run, or of the runs that are nested in it, by fold."""
    run = client.get_run(run_id)
    runs = [run]
    if not run.outputs or not run.outputs.model_outputs:
        below = f"tags.`{PARENT}` = '{run_id}'"
        children = client.search_runs([run.info.experiment_id], filter_string=below)
        runs = sorted(children, key=lambda child: int(child.data.tags.get("fold", 0)))
    return [output.model_id for one in runs if one.outputs for output in one.outputs.model_outputs]
