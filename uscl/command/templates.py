"""The commands `uscl template ...`, which write files to fill in. They start at once: no heavy imports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group()
def template() -> None:
    """Write a file for the features or predictions of your own models, with everything but their values.

    RESULTS is the results folder of the study, in which its folds are; by default the one that its file names.
    """


FOLDS_OF = click.argument("results", required=False, type=click.Path(path_type=Path))
TASKS = click.option("--task", "tasks", multiple=True, help="Only this task; give it again for another.")
STUDY = click.option("--configfile", type=click.Path(path_type=Path), help="The study's file (default: as for `ui`).")


@template.command()
@FOLDS_OF
@TASKS
@STUDY
@click.option("--out", default="predictions", show_default=True, type=click.Path(path_type=Path), help="The folder.")
def predictions(results: Path | None, tasks: tuple[str, ...], configfile: Path | None, out: Path) -> None:
    """A file TASK.csv per task, with one row per case and seed: its fold, and columns for what a model predicts."""
    from uscl.command.template import write_predictions

    write(write_predictions, results, configfile, tasks, out)


@template.command()
@FOLDS_OF
@TASKS
@STUDY
@click.option(
    "--out",
    default="features.parquet",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The file, as Parquet.",
)
def features(results: Path | None, tasks: tuple[str, ...], configfile: Path | None, out: Path) -> None:
    """One file with one row per case of the classification tasks, and a column for the vectors of an encoder."""
    from uscl.command.template import write_features

    write(write_features, results, configfile, tasks, out)


def write(
    writer: Callable[..., list[str]], results: Path | None, configfile: Path | None, tasks: tuple[str, ...], out: Path
) -> None:
    """Write a template and print what was written."""
    from uscl.base.errors import UserError

    try:
        for sentence in writer(results, configfile, tasks, out):
            click.echo(sentence)
    except UserError as error:
        raise click.ClickException(str(error)) from error
