"""Figures of one training: losses, learning rate and validation score by epoch."""

import pandas as pd
from matplotlib.figure import Figure

from uscl.report.style import BLUE, GREEN, ORANGE, plt


def pretraining_curve(history: pd.DataFrame, title: str) -> Figure:
    """Loss and learning rate by epoch."""
    figure, axis = plt.subplots(figsize=(5, 3.2), layout="constrained")
    axis.plot(history["epoch"], history["loss"], color=BLUE)
    axis.set(xlabel="epoch", title=title)
    axis.set_ylabel("loss", color=BLUE)
    rate = axis.twinx()
    rate.plot(history["epoch"], history["lr"], color=ORANGE, linestyle="--")
    rate.set_ylabel("learning rate", color=ORANGE)
    return figure


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
