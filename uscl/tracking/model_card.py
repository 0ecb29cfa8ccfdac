"""The card of a kept model: what it is, what it was trained on, how good it is, and how to use it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run

SCORES = {"dice": "mean Dice", "balanced_accuracy": "balanced accuracy"}
FORMS = {
    "classifier": "a fine-tuned encoder with a linear head",
    "linear": "logistic regression on the features of a frozen encoder",
    "knn": "the nearest neighbours among the features of a frozen encoder",
    "segmenter": "a fine-tuned encoder with a decoder",
}


def card(record: dict[str, Any], name: str, pretraining: "Run | None") -> str:
    """The card, in Markdown; `name` is that of the run of the model's fold."""
    metrics, cases, seen = record["metrics"], record["training_cases"], record["seen"]
    score = SCORES[metrics["score"]]
    output = of_masks(record) if record["form"] == "segmenter" else f"the class: {', '.join(record['classes'])}"
    encoder = f"run {pretraining.info.run_id}" if pretraining else "not in this store"

    def sides(name: str) -> str:
        return f"{seen[name][0]:.0f} to {seen[name][1]:.0f}"

    lines = [
        f"**{name}**: {FORMS[record['form']]}. It predicts {output}.",
        "",
        f"- {score} {metrics['test_score']:.3f} on the test part of its fold, {metrics['validation_score']:.3f} on the"
        " validation part, which chose its epoch or setting; the table of the study has the intervals",
        f"- trained on {cases['count']} cases (SHA-256 of their names and labels: {cases['sha256'][:16]}), of"
        f" {sides('height')} x {sides('width')} pixels",
        f"- pretraining of its encoder: pretrain/{record['arm']}/seed{record['seed']} ({encoder})",
        f"- pictures are turned grey and scaled to {record['size']} x {record['size']} pixels with black borders",
        f"- commit {record['origin']['commit']}, data {record['origin']['data_sha256'][:16]}",
        "",
        "`mlflow.pyfunc.load_model` gives a function of grey images, uint8 [n, height, width]; it needs the package",
        "`uscl` of this project. `uscl predict PATH --model runs:/RUN` reads files. For research: the model was tested",
        "on the cases of one fold, and on no others.",
    ]
    return "\n".join(lines)


def of_masks(record: dict[str, Any]) -> str:
    """What a segmenter predicts.

    >>> of_masks({}), of_masks({"structures": {"nerve": 1, "vessel": 2}})
    ('the mask of a lesion', 'the labels of a mask: nerve 1, vessel 2')
    """
    named = [f"{name} {label}" for name, label in record.get("structures", {}).items()]
    return f"the labels of a mask: {', '.join(named)}" if named else "the mask of a lesion"
