"""The generated pages of the reference, from the registries that the program itself reads."""

from pathlib import Path
from typing import Any

from uscl.data.sources.registry import read_registry
from uscl.metrics.native import NEEDS
from uscl.metrics.registry import KINDS, Metric, metrics_of

MARK = "<!-- `make docs` writes this page from {}: edit that. -->\n\n"
METRICS = """# Metrics

All metrics are computed from stored predictions. One metric of each kind is *primary*: rankings and figures use it. The
score of a training is computed over the cases of all its folds, or as the mean over its folds. A metric without a
method test isn't smooth, so the jackknife gives it no variance; its interval is that of these models alone.

Masks are scored image by image. `dice`, `iou` and `hd95` compare them as they are stored, at `frame_size`; the other
scores of images compare them at the size of the source picture: the black border is removed, and a pixel belongs to a
predicted structure if linear interpolation of its stored mask gives more than one half. The true mask there is the one
in the file, which the frame store keeps (`native_masks.parquet`). A score that needs something unknown of any image of
the task is left out.

- HD95: distances go from each surface pixel of one mask (a pixel with one of four neighbours outside) to the nearest of
  the other. It is the larger of both directions' 95th percentiles (Maier-Hein et al., doi:10.1038/s41592-023-02151-z;
  MONAI). The other form in use takes one percentile of both directions' distances together (MedPy) and gives another
  number.
- NSD: the number of surface pixels of both masks that are within `surface_tolerance` of the other mask's surface,
  divided by the number of all (Nikolov et al., arXiv 1809.04430, with pixels in place of surface elements).
- Several structures: an image's score is the mean over all structures of the task, and each has a row of its own.
- Images without a structure count: two empty masks agree (Dice, IoU and NSD 1, HD95 0). If one of the two is empty,
  Dice, IoU and NSD are 0 and HD95 is the diagonal. Images without any structure are not cases of the task.
"""


def copied(file: Path) -> str:
    """A page that another folder needs where it is, with a mark of its origin."""
    return MARK.format(f"{file.parent.name}/{file.name}") + file.read_text(encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)) + "\n"


def metrics() -> str:
    """The page of all metrics, from their registry."""
    parts = [METRICS]
    head = ["column of table.csv", "metric", "better", "range", "score of a training", "method test", "remarks"]
    for kind in KINDS:
        rows = [metric_row(metric) for by_class in (False, True) for metric in metrics_of(kind, by_class=by_class)]
        parts.append(f"## {kind.capitalize()}\n\n{table(head, rows)}")
    return MARK.format("uscl/metrics/registry.py") + "\n".join(parts)


def metric_row(metric: Metric) -> list[str]:
    """What a user must know about a metric."""
    low, high = (f"{limit:g}" if limit != float("inf") else "no limit" for limit in metric.limits)
    undefined = f"Undefined if {metric.undefined}." if metric.undefined else ""
    return [
        column_of(metric),
        metric.title + (" (primary)" if metric.primary else ""),
        "lower" if metric.lower_is_better else "higher",
        f"{low} to {high}",
        "mean over folds" if metric.over_folds else "over all folds' cases",
        "yes" if metric.smooth else "no",
        " ".join(filter(None, (metric.note, f"Needs {NEEDS[metric.needs]}." if metric.needs else "", undefined))),
    ]


def column_of(metric: Metric) -> str:
    """How a metric is named in tables, over all classes or structures and of each."""
    if metric.by_class:
        return f"`{metric.name}_<class>`"
    return f"`{metric.name}`" + (f", `{metric.name}_<structure>`" if metric.of_images else "")


def data_sets(file: Path) -> str:
    """The page of all data sets, from their registry."""
    head = (
        "# Data sets\n\nThe data sets that the project knows. Each has the name of its reader, which a study's file"
        " gives as `reader`; those of UltraBench are read by `kind: ultrabench`. Look at the licence before you share"
        " pictures.\n"
    )
    found = [data_set(name, entry) for name, entry in read_registry(file).items()]
    return MARK.format("config/datasets.yaml") + "\n".join([head, *found])


def data_set(name: str, entry: dict[str, Any]) -> str:
    """The section of a data set."""
    licence, doi = entry["licence"], entry["doi"]
    facts = {
        "version": entry["version"],
        "source": linked(entry["source"]),
        "roles": ", ".join(f"`{role}`" for role in entry["used_for"]),
        "licence": linked(licence["url"], licence["name"]) if licence["url"] else licence["name"],
        "it forbids": licence["forbids"],
        "cite": entry["citation"] + (f", doi:{linked(f'https://doi.org/{doi}', doi)}" if doi else ""),
        "a group is": entry["group"],
        "a leak between groups": f"`on_leak: {entry['on_leak']}`",
        "content": content(entry["expected"]),
        "downloaded from": ", ".join(linked(url) for archive in entry["files"] for url in archive["urls"]),
        "by hand": entry["by_hand"],
        "known defects": " ".join(entry["defects"]),
    }
    rows = [[key, str(value)] for key, value in facts.items() if value]
    return f"## {name}\n\n{entry['title']}\n\n{table(['', ''], rows)}"


def content(expected: dict[str, Any] | None) -> str:
    """The expected counts of a set in words."""
    if not expected:
        return ""
    counts = [f"{expected[key]} {key}" for key in ("videos", "images", "groups", "frames") if expected[key]]
    return ", ".join([*counts, *(f"{count} {name}" for name, count in expected["classes"].items())])


def linked(address: str, words: str = "") -> str:
    """A link, if the address is one of the web."""
    if not address.startswith("https://"):
        return f"`{address}`"
    return f"[{words}]({address})" if words else f"<{address}>"
