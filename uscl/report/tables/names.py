"""Marks of the tables and figures; metrics and regimes have their titles in their registries."""

MARK = "†"  # sees class labels of the pretraining pool
CHANCE_MARK = "‡"  # a training has not learned to tell videos apart
BETTER_MARK = "▲"  # shown to be better than another arm in a primary comparison
WORSE_MARK = "▼"  # shown to be worse than another arm in a primary comparison
