"""Where the models of a cell are. Imports nothing: planning a study reads it."""

FOLDER = "models"  # within the folder of a cell


def fold_file(number: int) -> str:
    """The name of a fold's model file in the folder of its cell.

    >>> fold_file(0)
    'models/fold0.safetensors'
    """
    return f"{FOLDER}/fold{number}.safetensors"
