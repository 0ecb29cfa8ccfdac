"""Where runs are logged: a study's own store, or another one that the config or the environment names.

Light on purpose (no MLflow): every `snakemake` call asks.
"""

import os
from pathlib import Path

from uscl.base.redaction import ADDRESS

SQLITE = "sqlite:///"


def store_address(results: Path, configured: str | None) -> str:
    """The store of a study: that of its config, else of the environment, else mlflow.db in the results."""
    return configured or os.environ.get(ADDRESS) or f"{SQLITE}{local_store(results)}"


def local_store(results: Path) -> Path:
    """Where a study's own store lies."""
    return (results / "mlflow.db").resolve()


def database_of(address: str) -> Path | None:
    """The file of an SQLite store; None where a server has the store."""
    return Path(address.removeprefix(SQLITE)).resolve() if address.startswith(SQLITE) else None


def is_own_store(results: Path, configured: str | None) -> bool:
    """Whether runs go to a study's own store: where no other is named, or that one by its address."""
    return database_of(store_address(results, configured)) == local_store(results)
