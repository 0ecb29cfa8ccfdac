"""The command `uscl`: results of a study, its models, and files for it. It starts at once: no heavy imports."""

import webbrowser
from pathlib import Path

import click

from uscl.command.predicting import export, features, predict
from uscl.command.templates import template

RESULTS = click.argument("results", default="results", type=click.Path(path_type=Path))


@click.group()
def main() -> None:
    """Look at the results of a study, use its models, and write files for one.

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


for command in (predict, features, export, template):
    main.add_command(command)
