"""Figures of one training: losses, learning rate, health and validation score by epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uscl.pretrain.engine.learned import Learned, compared_loss
from uscl.report.figures.style import BLUE, GREEN, ORANGE, PAGE, VERMILION, plt

EQUAL_WEIGHTS = 1e-6  # sd below which weights say nothing


def pretraining_curve(history: pd.DataFrame, title: str, found: Learned | None = None) -> Figure:
    """Losses and learning rate by epoch, health of the representations, and that of the weights if they vary.

    `found` says what was learned.
    """
    weighted = "weight_mean" in history and bool((history["weight_sd"] > EQUAL_WEIGHTS).any())
    rows = 2 if weighted else 1
    figure, axes = plt.subplots(rows, 2, figsize=(PAGE, 2.9 * rows), layout="constrained", squeeze=False)
    losses(axes[0, 0], history)
    representations(axes[0, 1], history)
    if weighted:
        weights(axes[1, 0], history)
        axes[1, 1].set_axis_off()
    figure.suptitle(f"{title}\n{found.verdict}" if found else title)
    return figure


def losses(axis: Axes, history: pd.DataFrame) -> None:
    """Draw the losses, and the learning rate relative to its largest value."""
    lines = {"loss": (BLUE, "-"), "validation_loss": (ORANGE, "--"), "meta_loss": (GREEN, "-.")}
    if (compared := compared_loss(history)) != "loss":
        lines |= {"loss": (VERMILION, "-"), compared: (BLUE, "-")}  # the colour of its chance
    for name, (color, style) in lines.items():
        if name in history:
            axis.plot(history["epoch"], history[name], color=color, linestyle=style, label=name.replace("_", " "))
    for name, color in {"chance_loss": BLUE, "validation_chance_loss": ORANGE}.items():
        if name in history:
            axis.plot(history["epoch"], history[name], color=color, linestyle=":", linewidth=1)
    axis.set(xlabel="epoch", ylabel="loss")
    axis.legend(fontsize="small")
    rate = axis.twinx()
    rate.fill_between(history["epoch"], history["lr"] / history["lr"].max(), color="grey", alpha=0.15)
    rate.set(ylim=(0, 4), yticks=[])
    axis.set_title("dotted: chance; grey: learning rate", fontsize="small")


def representations(axis: Axes, history: pd.DataFrame) -> None:
    """Draw the effective rank on the left, alignment and uniformity on the right."""
    axis.plot(history["epoch"], history["rank"], color=BLUE)
    axis.set(xlabel="epoch", ylim=(0, 1.1 * history["rank"].max() + 0.1))
    axis.set_ylabel("effective rank (RankMe)", color=BLUE)
    other = axis.twinx()
    other.plot(history["epoch"], history["alignment"], color=ORANGE, linestyle="--", label="alignment")
    other.plot(history["epoch"], history["uniformity"], color=GREEN, linestyle="-.", label="uniformity")
    other.legend(loc="lower right", fontsize="small")


def weights(axis: Axes, history: pd.DataFrame) -> None:
    """Draw mean and spread of the pairs' weights, and the effective share of the pairs."""
    mean, sd = history["weight_mean"], history["weight_sd"]
    axis.plot(history["epoch"], mean, color=BLUE, label="mean weight")
    axis.fill_between(history["epoch"], mean - sd, mean + sd, color=BLUE, alpha=0.2, label="± sd")
    share = history["weight_ess"] / history["pairs"]
    axis.plot(history["epoch"], share, color=ORANGE, linestyle="--", label="effective share of pairs")
    axis.set(xlabel="epoch", ylim=(0, 1.05))
    axis.legend(loc="lower left", fontsize="small")


def learning_curve(history: pd.DataFrame, score_name: str, title: str) -> Figure:
    """Training and validation loss and validation score by epoch, with the chosen epoch marked."""
    figure, (loss, score) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    loss.plot(history["epoch"], history["train_loss"], color=BLUE, label="training")
    loss.plot(history["epoch"], history["validation_loss"], color=ORANGE, linestyle="--", label="validation")
    loss.set(xlabel="epoch", ylabel="loss")
    loss.legend()
    score.plot(history["epoch"], history["validation_score"], color=GREEN)
    score.axvline(history.loc[history["chosen"], "epoch"].item(), color="grey", linestyle=":")
    score.set(xlabel="epoch", ylabel=f"validation {score_name}", title="dotted: chosen epoch", ylim=(0, 1.02))
    figure.suptitle(title)
    return figure


def choice_curve(history: pd.DataFrame, title: str) -> Figure:
    """Validation loss and score of a probe by its setting, with the chosen one marked."""
    figure, (loss, score) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
    loss.plot(history["candidate"], history["validation_loss"], color=ORANGE, linestyle="--", marker="o")
    score.plot(history["candidate"], history["validation_score"], color=GREEN, marker="o")
    score.axvline(history.loc[history["chosen"], "candidate"].item(), color="grey", linestyle=":")
    score.set(ylabel="validation balanced accuracy", title="dotted: chosen setting", ylim=(0, 1.02))
    loss.set_ylabel("validation loss")
    for axis in (loss, score):
        axis.set_xticks(history["candidate"], [f"{setting:g}" for setting in history["setting"]])
        axis.set_xlabel("C, or number of neighbours")
    figure.suptitle(title)
    return figure
