"""The sections of the report: figures, data, costs, weights, origin, from the files of a results folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from uscl.report.page.cells import cells
from uscl.report.page.markdown import html_of
from uscl.report.page.origin import citations, origin
from uscl.report.page.pictures import Picture, Pictures
from uscl.report.page.weights import weights
from uscl.report.tables.costs import cost_parts
from uscl.study.figures import FIGURES

OF_TASKS = {
    "confusion": "confusion matrices of all arms: percent of each true class, and cases",
    "roc": "ROC curves of all arms, one panel per class",
    "precision_recall": "precision against sensitivity of all arms, one panel per class",
    "decision": "net benefit of all arms by threshold (decision curves), one panel per class",
    "calibration": "accuracy against confidence of all arms",
    "learning_curves": "losses and validation score of all arms by epoch",
}
GALLERIES = {
    "missed_by_all": "cases that every arm misses",
    "found_by_one": "cases that only one arm gets right",
    "overlays": "outlines of the lesion and of all arms' predictions on the best, the median and the worst image",
}


@dataclass(frozen=True)
class Place:
    """Where the study's results are, and which there are: the arms of each task and regime; `encoded` have encoders."""

    results: Path
    evaluations: Mapping[tuple[str, str], Sequence[str]]
    encoded: Sequence[str]
    seeds: Sequence[int]
    datasets: Sequence[str]
    figures: Sequence[str]
    external: bool = False  # whether models are also tested on external sets


class Card(NamedTuple):
    """A data set: its card, its contact sheet, and what the audit found in it."""

    dataset: str
    text: Markup
    sheet: Picture | None
    leaks: str


def sections(
    place: Place,
    encoders: Sequence[str | Path],
    records: Sequence[Mapping[str, Any]],
    tables: Mapping[str, pd.DataFrame],
    config: Mapping[str, Any],
    citation: Path,
) -> dict[str, Any]:
    """All sections; `tables` has table, claims and costs, `records` are those of all finished runs.

    Pictures are embedded in the order of this function: as long as there is room, the most important first.
    """
    results, pictures = place.results, Pictures(place.results)
    alts = {results / f"figures/{name}.png": FIGURES[name] for name in place.figures}
    study = {path.stem: pictures.of(path, alt) for path, alt in alts.items()}
    by_task = of_evaluations(place, OF_TASKS, pictures)
    maps = {results / f"figures/{task}-map.png": f"map of the representations on {task}" for task in tasks_of(place)}
    found = {
        "study_figures": study,
        "by_task": by_task,
        "maps": pictures.all(maps),
        "galleries": of_evaluations(place, GALLERIES, pictures),
        "weights": weights(results, encoders, place.encoded, place.seeds, pictures),
        "cards": cards(place, pictures),
    }
    return found | {
        "cells": cells(results, place.evaluations, place.seeds, tables["claims"], pictures),
        "verdict": read(results / "audit/verdict.json"),
        "claims_text": markdown(results / "claims.md"),
        "external": markdown(results / "external.md") if place.external else "",
        "published": markdown(results / "reported.md"),
        "costs": html_of("\n\n".join(cost_parts(tables["costs"])[1:])),
        "origin": origin(records, tables["table"], config),
        "citations": citations(citation),
        "files": FILES,
    }


FILES = {
    "table.csv": "every number of this page",
    "claims.csv": "all comparisons",
    "table.tex": "the table for a paper",
    "costs.csv": "costs",
    "audit/audit.html": "the audit of the data",
}


def tasks_of(place: Place) -> list[str]:
    """The tasks, each once."""
    return list(dict.fromkeys(task for task, _ in place.evaluations))


def of_evaluations(
    place: Place, figures: Mapping[str, str], pictures: Pictures
) -> dict[tuple[str, str], list[Picture]]:
    """Some figures of every task and regime; those without any are left out."""
    found = {}
    for task, regime in place.evaluations:
        folder = place.results / f"figures/{task}-{regime}"
        alts = {folder / f"{name}.png": f"{task} ({regime}): {words}" for name, words in figures.items()}
        found[task, regime] = pictures.all(alts)
    return {evaluation: shown for evaluation, shown in found.items() if shown}


def cards(place: Place, pictures: Pictures) -> list[Card]:
    """The data sets of the study."""
    leaks, folder = read(place.results / "audit/verdict.json")["leaks"], place.results / "data_cards"
    return [
        Card(
            dataset,
            markdown(folder / f"{dataset}.md", lower=2),
            pictures.of(folder / f"{dataset}.png", f"frames of {dataset}, one row per class", exact=False),
            leaks[dataset],
        )
        for dataset in place.datasets
    ]


def markdown(path: Path, lower: int = 1) -> Markup:
    """A Markdown file as HTML, without its title."""
    return html_of(path.read_text(encoding="utf-8"), lower=lower, title=False)


def read(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
