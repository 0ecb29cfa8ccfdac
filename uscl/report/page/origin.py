"""Where the numbers come from: code, settings, data, machines and packages; and how to cite them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from uscl.jobs.run_record import NOT_RESULTS
from uscl.report.tables.sources import distinct

DIGITS = 12


class Origin(NamedTuple):
    """The study's origin: facts as (name, text), versions of packages, and its settings as YAML."""

    facts: list[tuple[str, str]]
    packages: dict[str, str]
    settings: str


def origin(records: Iterable[Mapping[str, Any]], table: pd.DataFrame, config: Mapping[str, Any]) -> Origin:
    """The origin of a study; `records` are those of all finished runs (`uscl.jobs.run_record`)."""
    found = list(records)
    versions: dict[str, list[str]] = {}
    for record in found:
        for package, version in record["packages"].items():
            versions.setdefault(package, []).append(version)
    facts = {
        "commit of the code": distinct(record["commit"] for record in found),
        "SHA-256 of the settings": distinct(record["config_sha256"] for record in found),
        **{
            f"SHA-256 of the data of {task} (first {DIGITS} digits)": data_of(rows)
            for task, rows in table.groupby("task", sort=False)
        },
        "processor": distinct(record["hardware"]["cpu"] for record in found),
        "GPU": distinct(record["hardware"]["gpu"] for record in found),
        "system": distinct(record["hardware"]["system"] for record in found),
    }
    settings = {key: value for key, value in config.items() if key not in NOT_RESULTS}
    return Origin(
        [(name, text) for name, text in facts.items() if text],
        {package: distinct(found) for package, found in sorted(versions.items())},
        yaml.safe_dump(json.loads(json.dumps(settings)), sort_keys=False, allow_unicode=True, width=110),
    )


def data_of(rows: pd.DataFrame) -> str:
    """The first digits of the hashes of a task's data, one per partition; table.csv has them whole."""
    return distinct(part[:DIGITS] for text in rows["data_sha256"].dropna() for part in str(text).split(" / "))


def citations(path: Path) -> list[str]:
    """What to cite, as plain text: this benchmark, then the papers whose methods it compares (CITATION.cff)."""
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = f"{names(entry['authors'])}: {entry['title']}, version {entry['version']}, {str(entry['date-released'])[:4]}."
    return [own, *map(reference, entry.get("references", []))]


def reference(entry: Mapping[str, Any]) -> str:
    """A paper as plain text."""
    journal = entry.get("journal") or entry.get("conference", {}).get("name", "")
    volume = f" {entry['volume']}({entry['issue']})" if "volume" in entry else ""
    more = ", ".join(str(each["value"]) for each in entry.get("identifiers", []))
    place = ", ".join(filter(None, [f"{journal}{volume}", str(entry["year"]), more]))
    return f"{names(entry['authors'])}: {entry['title']}. {place}."


def names(authors: Iterable[Mapping[str, str]]) -> str:
    """The authors, joined by commas."""
    return ", ".join(author.get("name") or f"{author['family-names']} {author['given-names']}" for author in authors)
