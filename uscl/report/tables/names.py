"""What metrics and regimes are called for readers, and what their figures are in."""

MARK = "†"

# The metrics that tables for reading show, in this order; table.csv has those of each class besides.
TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "auroc": "AUROC",
    "ece": "ECE",
    "dice": "Dice",
    "median_dice": "median Dice",
    "iou": "IoU",
    "hd95": "HD95 (pixels)",
    "zero_dice_share": "images with Dice 0",
}

GROUPS = "patients (else videos, else images)"  # what draws and swaps take as a whole

# All others are shares, shown in percent.
IN_PIXELS = ("hd95",)

REGIMES = {
    "finetune": "all layers are trained",
    "last_block": "the encoder's last block and the head are trained",
    "linear": "logistic regression on frozen features",
    "knn": "nearest neighbours of frozen features",
}
