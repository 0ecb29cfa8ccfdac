"""Write the generated pages of docs/reference: `python -m docs_build`; with `--graph` the graph of the rules, too.

The graph asks Snakemake for two plans, which takes some seconds.
"""

import argparse
from pathlib import Path

from docs_build import graph, pages, rules

PROJECT = Path(__file__).parents[1]
REFERENCE = PROJECT / "docs/reference"


def generated() -> dict[str, str]:
    """The text of every generated page, by its file name."""
    return {
        "config.md": pages.copied(PROJECT / "config/README.md"),
        "outputs.md": pages.copied(PROJECT / "results/README.md"),
        "benchmarks.md": pages.copied(PROJECT / "benchmarks/README.md"),
        "metrics.md": pages.metrics(),
        "data-sets.md": pages.data_sets(PROJECT / "config/datasets.yaml"),
        "rules.md": rules.page(PROJECT / "workflow/rules"),
    }


def main() -> None:
    """Write all pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", action="store_true", help="also draw the graph of the rules")
    for name, text in generated().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    if parser.parse_args().graph:
        (REFERENCE / "rules.svg").write_text(graph.svg(graph.of_workflow(PROJECT)), encoding="utf-8")


if __name__ == "__main__":
    main()
