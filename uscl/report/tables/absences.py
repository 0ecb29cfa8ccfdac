"""Which values the result table lacks, and why."""

import pandas as pd

from uscl.metrics.registry import MAIN, title
from uscl.stats.level_names import per


def absences(table: pd.DataFrame) -> list[str]:
    """One sentence per reason why an evaluation or a main metric has no value, naming the arms concerned."""
    rows = table[table["reason"].notna() & (table["metric"].isna() | table["metric"].isin(MAIN))]
    what = rows["metric"].map(title, na_action="ignore").fillna("not evaluated")
    if "level" in rows:
        what += rows["level"].map(per)
    sentences = []
    for (task, regime, name, reason), found in rows.groupby(["task", "regime", what, "reason"], sort=False):
        arms = "all arms" if len(found) == table["arm"].nunique() else ", ".join(found["arm"])
        sentences.append(f"{task}, {regime}: {name} ({arms}): {reason}.")
    return sentences
