"""The MLflow store that a study logs to: its own, or one that the config or the environment names.

Does not import MLflow, since every `snakemake` call imports this.
"""

import os
from pathlib import Path

from uscl.base.redaction import ADDRESS

SQLITE = "sqlite:///"


def store_address(results: Path, configured: str | None) -> str:
    """The address in the config, else the one in the environment, else mlflow.db in the results folder."""
    return configured or os.environ.get(ADDRESS) or f"{SQLITE}{local_store(results)}"


def local_store(results: Path) -> Path:
    """The file of a study's own store."""
    return (results / "mlflow.db").resolve()


def database_of(address: str) -> Path | None:
    """The file of an SQLite store; None for a store behind a server."""
    return Path(address.removeprefix(SQLITE)).resolve() if address.startswith(SQLITE) else None


def is_own_store(results: Path, configured: str | None) -> bool:
    """Whether runs go to the study's own store: no other is named, or the address names the same file."""
    return database_of(store_address(results, configured)) == local_store(results)
