"""The commands that use a study's models: `uscl predict`, `uscl features`, `uscl export`. Heavy imports come late."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

DEVICE = click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


@contextmanager
def sentences() -> Iterator[None]:
    """Show a user's mistake as one sentence."""
    from uscl.base.errors import UserError

    try:
        yield
    except UserError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def bar(total: int, label: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; gives what moves it on by a number of items."""
    import sys

    with click.progressbar(length=total, label=label, file=sys.stderr) as shown:
        yield shown.update


@click.command()
@PATHS
@click.option(
    "--model",
    required=True,
    help="The folder of a cell (the mean over its folds), one of its models, or runs:/ID of a run in MLflow.",
)
@click.option("--out", type=click.Path(path_type=Path), default="predictions", show_default=True, help="A new folder.")
@DEVICE
def predict(paths: tuple[Path, ...], model: str, out: Path, device: str) -> None:
    """Predict the classes or lesions of images, videos, DICOM files, and folders of these.

    Writes frames.csv (a row per frame), and videos.csv (a row per file) or masks and overlays as PNG.
    """
    with sentences():
        from uscl.predict import predicting
        from uscl.predict.models import load_models
        from uscl.predict.pictures import count, listed

        predicting.check_new(out)
        found, problems = listed(paths)
        models = load_models(model)
        with bar(count(found), "Predicting") as done:
            said = predicting.predict(models, found, problems, out, device, done)
    click.echo(said)


@click.command()
@PATHS
@click.option(
    "--encoder",
    required=True,
    type=click.Path(path_type=Path),
    help="An encoder.safetensors, or its folder.",
)
@click.option("--size", type=click.IntRange(32, 1024), help="Side of the frames (default: as it was trained).")
@click.option(
    "--out", type=click.Path(path_type=Path), default="features.parquet", show_default=True, help="A new file."
)
@DEVICE
def features(paths: tuple[Path, ...], encoder: Path, size: int | None, out: Path, device: str) -> None:
    """Compute an encoder's features of images, videos, DICOM files, folders of these, or a study's frame store.

    Writes a table (Parquet) with the columns case and vector, a row per frame, which a study takes as an arm.
    """
    with sentences():
        from uscl.predict.encoders import encoder_at, size_of
        from uscl.predict.features import check_new, write_features
        from uscl.predict.pictures import count, listed

        check_new(out)
        found, problems = listed(paths)
        file = encoder_at(encoder)
        with bar(count(found), "Features") as done:
            said = write_features(file, size or size_of(file, found), found, problems, out, device, done)
    click.echo(said)


@click.command()
@click.argument("model")
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["safetensors", "torchscript", "onnx", "timm"]),
    help="What is written.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new file; for timm, a new folder.")
def export(model: str, form: str, out: Path) -> None:
    """Write a model of one fold, or an encoder, in a form that needs no code of this project.

    MODEL is the model file of a fold, an encoder.safetensors, or runs:/ID of a fold's run in MLflow.
    """
    with sentences():
        from uscl.predict.export import export as write

        said = write(model, form, out)
    click.echo(said)
