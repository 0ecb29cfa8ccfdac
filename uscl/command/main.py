"""The command `uscl`: results of a study, and files for it. It starts at once, so it imports nothing heavy."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))


@click.group()
def main() -> None:
    """Look at the results of a study, and write files for one.

    `snakemake` (or `make results`) runs a study; RESULTS is its results folder, by default `results`.
    """


@main.command()
@RESULTS
def show(results: Path) -> None:
    """Open the report of a study in a browser."""
    page = results / "report.html"
    if not page.is_file():
        raise click.ClickException(f"{page} does not exist: run the study with `make results`, or name its folder.")
    address = page.resolve().as_uri()
    click.echo(address)
    if not webbrowser.open(address):
        click.echo("No browser was found here. The page is one file: copy it anywhere and open it.")


@main.command()
@RESULTS
@click.option("--task", help="Open the table of this task (default: of all tasks).")
@click.option("--regime", help="Only this regime of the task.")
@click.option(
    "--configfile", type=click.Path(path_type=Path), help="The study's file (default: as its runs record it)."
)
@click.option("--port", default=5000, show_default=True, help="The port on 127.0.0.1.")
@click.option("--browser/--no-browser", default=True, help="Open a browser, or only print the link.")
def ui(results: Path, task: str | None, regime: str | None, configfile: Path | None, port: int, browser: bool) -> None:
    """Show the runs of a study in MLflow until Ctrl-C."""
    from uscl.base.errors import UserError
    from uscl.command.mlflow_server import serve  # late: `uscl show` does not need it

    try:
        serve(results, configfile, (task, regime), port, browser)
    except UserError as error:
        raise click.ClickException(str(error)) from error


@main.group()
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
    writer: "Callable[..., list[str]]", results: Path | None, configfile: Path | None, tasks: tuple[str, ...], out: Path
) -> None:
    """Write a template and print what was written."""
    from uscl.base.errors import UserError

    try:
        for sentence in writer(results, configfile, tasks, out):
            click.echo(sentence)
    except UserError as error:
        raise click.ClickException(str(error)) from error
