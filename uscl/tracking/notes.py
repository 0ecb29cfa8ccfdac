"""The notes of runs, in Markdown, with links between them (`uscl.tracking.links`)."""

from uscl.base.text import counted
from uscl.metrics.registry import title
from uscl.tracking.cell_state import CellState
from uscl.tracking.links import search
from uscl.tracking.plan import SIMULATED, Plan

PROVISIONAL = "**Provisional**: rank, p and verdict are pending until all arms have finished or failed."


def summary_note(plan: Plan, cell: tuple[str, str, str], state: CellState) -> str:
    """The note of a cell of the table: what it is, the headline, how to verify it, where its runs are."""
    task, regime, arm = cell
    lines = [f"**{arm} on {task}**, {plan.titles.get(regime, regime)}: {title(state.metric)} {in_words(state)}"]
    lines += [str(claim["sentence"]) for claim in state.claims]
    if not state.judged and not state.failed:
        lines.append(PROVISIONAL)
    if plan.simulated:
        lines.append(SIMULATED)
    dataset, encoders = plan.tasks[task]["dataset"], f"- Encoders: [pretrain/{arm}]{search('pretrain', arm=arm)}"
    places = [
        f"- Trainings and folds: [{task}/{regime}/{arm}]{search(task, regime=regime, arm=arm)}",
        *([encoders] if arm in plan.encoders else []),
        f"- Data: {dataset}; its card is `data_cards/{dataset}.md` of the results, and an artifact here if it was made",
        f"- Computed again from nothing: `snakemake --cores all verify --config verify={task}/{regime}/{arm}`",
    ]
    return "\n\n".join([*lines, "\n".join(places)])


def in_words(state: CellState) -> str:
    """The mean with its interval, and the rank."""
    numbers = state.numbers
    if not numbers:
        return "has no value yet." if not state.failed else "has no value, because a training failed."
    low, high, over = state.interval
    rank = f"; rank {state.rank:g} of {state.ranked}" if state.rank is not None else ""
    interval = f"95 % CI {low:.3f} to {high:.3f} (over {over})"
    return f"{numbers['mean']:.3f}, {interval}, {counted(len(state.done), 'training')}{rank}."


def cell_note(task: str, regime: str, arm: str) -> str:
    """The note of the run in which the trainings of a cell are nested."""
    return f"Mean, interval, rank and verdict: [summary]{search('summary', task=task, regime=regime, arm=arm)}"


def training_note(arm: str, seed: object) -> str:
    """The note of a training: the run of the encoder that it started from."""
    return f"Encoder: [pretrain/{arm}/seed{seed}]{search('pretrain', arm=arm, seed=str(seed))}"
