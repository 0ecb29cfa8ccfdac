"""The table of a task as a small page, for MLflow's list of artifacts."""

import pandas as pd

from uscl.metrics.registry import title
from uscl.stats.level_names import per
from uscl.stats.level_tables import main_level, with_level
from uscl.tracking.plan import SIMULATED, Plan

STYLE = """\
<style>
body { font: 14px/1.5 system-ui, sans-serif; color-scheme: light dark; margin: 1rem; }
table { border-collapse: collapse; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #8886; text-align: left; }
</style>
"""


def table_page(table: pd.DataFrame, plan: Plan, task: str, metric: str) -> str:
    """The arms of a task in all regimes by rank, in the primary metric at the main level, from table.csv."""
    rows = main_level(table[(table["task"] == task) & (table["metric"] == metric)]).sort_values(["regime", "rank"])
    level = next(iter(with_level(rows)["level"]), None)
    shown = pd.DataFrame(
        {
            "regime": rows["regime"],
            "rank": rows["rank"].map("{:g}".format, na_action="ignore"),
            "arm": rows["arm"],
            f"{title(metric)}{per(level)}": rows["mean"].map("{:.3f}".format),
            "95 % CI": [f"{low:.3f} to {high:.3f}" for low, high in intervals(rows)],
            "sd": rows["sd"].map("{:.3f}".format, na_action="ignore"),
            f"difference from {plan.reference}": rows["difference"].map("{:+.3f}".format, na_action="ignore"),
            "shown better than": rows["better_than"],
        }
    )
    remark = f"<p>{SIMULATED}</p>\n" if plan.simulated else ""
    grid = shown.to_html(index=False, na_rep="", border=0)
    return f'<!doctype html>\n<meta charset="utf-8">\n<title>{task}</title>\n{STYLE}<h1>{task}</h1>\n{remark}{grid}\n'


def intervals(rows: pd.DataFrame) -> list[tuple[float, float]]:
    """The interval of each row: over trainings and patients, else of these models."""
    low = rows["ci_low"].fillna(rows["models_ci_low"])
    high = rows["ci_high"].fillna(rows["models_ci_high"])
    return list(zip(low, high, strict=True))
