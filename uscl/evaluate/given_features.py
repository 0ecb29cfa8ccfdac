"""Features that a user gives in a file, one vector per case, in the form of our own frozen features."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.evaluate.given_tables import check_cases, columns, listed, read_table


def given_features(
    path: Path, dataset: str, cases: Mapping[str, pd.Series], needed: Sequence[str]
) -> NDArray[np.float32]:
    """The vectors of a data set's frames, [frames, dim], in the order of its store; NaN for frames without one.

    The file has the columns case and vector, and dataset if a case is in several data sets. `cases` are those of all
    stored frames by data set, `needed` those of the tasks on this one. Raises UserError if a needed case is missing,
    a case is foreign or there twice, a vector is empty, not finite, or of another length than the first, or if there
    are vectors of several trainings.
    """
    table = read_table(path, ["case", "vector"])
    if "seed" in table.column_names:
        raise UserError(
            f"{path} has a column seed, but every training of the study probes the same vectors: give the features of"
            " each trained encoder a file and an arm of its own, without this column."
        )
    rows = of_dataset(path, table, dataset, cases)
    known = cases[dataset]
    given = columns(path, table, "case")["case"][rows]
    check_cases(path, given, needed, known, f"data set {dataset}", "")
    vectors = as_array(path, table["vector"].take(pa.array(np.flatnonzero(rows))), given)
    found = np.full((len(known), vectors.shape[1]), np.nan, np.float32)
    found[pd.Index(known).get_indexer(given)] = vectors
    return found


def of_dataset(path: Path, table: pa.Table, dataset: str, cases: Mapping[str, pd.Series]) -> np.ndarray:
    """Which rows are of a data set [rows]. Raises UserError for rows that are of none, or perhaps of several."""
    if "dataset" in table.column_names:
        named = columns(path, table, "dataset")["dataset"]
        if foreign := sorted(set(named) - set(cases)):
            raise UserError(
                f"{path} has rows of data set '{foreign[0]}', but no task of the arm is on it (only on"
                f" {', '.join(cases)}): remove these rows, or correct the column dataset."
            )
        return (named == dataset).to_numpy()
    given = columns(path, table, "case")["case"]
    of = {name: given.isin(known).to_numpy() for name, known in cases.items()}
    count = np.sum(list(of.values()), axis=0)
    if (several := given[count > 1]).any():
        raise UserError(
            f"{path}: {listed(several.unique())} may be of several data sets ({', '.join(cases)}): add a column dataset"
            " with the name of each row's."
        )
    # A case that no data set has is refused as foreign in each.
    return of[dataset] | (count == 0)


def as_array(path: Path, vectors: pa.ChunkedArray, cases: pd.Series) -> NDArray[np.float32]:
    """A column of lists as an array [rows, dim]."""
    kind, names = vectors.type, cases.reset_index(drop=True)
    if pa.types.is_null(kind):
        raise UserError(f"{path} has no vector for {listed(names)}: fill in the column vector.")
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise UserError(f"{path}: its column vector holds {kind}, not lists of numbers: store each vector as one list.")
    lengths = pc.list_value_length(vectors).to_pandas().fillna(0)
    if (empty := names[lengths == 0]).any():
        raise UserError(f"{path} has no vector for {listed(empty)}: fill in the column vector.")
    if (other := names[lengths != lengths.iloc[0]]).any():
        raise UserError(
            f"{path}: the vector of {listed(other)} has {lengths[other.index[0]]:g} numbers, but that of case"
            f" {names[0]} has {lengths.iloc[0]:g}: give every case as many."
        )
    try:
        flat = pc.list_flatten(vectors).cast(pa.float32(), safe=False).to_pandas().to_numpy(np.float32)
    except pa.ArrowException as error:
        raise UserError(f"{path}: its column vector holds {kind}, not lists of numbers: store numbers.") from error
    found = flat.reshape(len(names), -1)
    if (bad := names[~np.isfinite(found).all(axis=1)]).any():
        raise UserError(f"{path}: the vector of {listed(bad)} holds NaN, infinite or missing numbers: correct it.")
    return found
