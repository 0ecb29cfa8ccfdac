"""The files of a small finished study, as the report reads them, without any training."""

import json

import numpy as np
import PIL.Image
import study_frames as frames
from tracking.result_folders import write

from uscl.report.page.page import Asked
from uscl.report.page.sections import Place, sections
from uscl.report.tables.claims import claims, claims_markdown
from uscl.report.tables.result_table import result_table

ARMS, SEEDS = ["imagenet", "simclr"], [0, 1]
EVALUATIONS = [("busi", "linear"), ("pocus", "linear")]
PRIMARY = [{"arm": "simclr", "reference": "imagenet", "task": "busi", "regime": "linear", "metric": "macro_f1"}]
SCORES = {
    ("busi", "linear", "macro_f1"): {"imagenet": 0.7, "simclr": 0.6},
    ("busi", "linear", "accuracy"): {"imagenet": 0.75, "simclr": 0.65},
    ("busi", "linear", "f1_benign"): {"imagenet": 0.5, "simclr": 0.4},
    ("pocus", "linear", "macro_f1"): {"imagenet": 0.8, "simclr": 0.9},
}


def asked(**more):
    """What the study's file says."""
    given = {"study": "tiny", "tasks": ["busi", "pocus"], "primary": PRIMARY, "encoder": "resnet18", "frame_size": 64}
    return Asked(**given | {"seeds": SEEDS, "regimes": {"linear": "a probe"}, "simulated": True} | more)


def tables(p=0.001):
    """The study's table, claims and costs."""
    intervals, comparisons = frames.study(SCORES, p)
    found = claims(comparisons, PRIMARY)
    costs = frames.costs(intervals)
    options = {"arms": ARMS, "labelled": [], "reference": "imagenet", "missing": [], "at_chance": ["simclr"]}
    table = result_table(intervals, comparisons, found, costs, frames.provenance(intervals), **options)
    return {"table": table, "claims": found, "costs": costs}


def draw(results, *names):
    """A figure for each name."""
    for name in names:
        path = results / f"figures/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((40, 90, 3), 200, np.uint8)).save(path)


def reported(results, failures=None):
    """A results folder with everything that the report shows, and what `sections` makes of it.

    `failures` has reasons by task, arm and seed.
    """
    found = tables()
    write(results / "claims.md", claims_markdown(found["claims"]))
    write(results / "reported.md", "# Values\n\nWhat the *papers* report.\n")
    write(results / "audit/verdict.json", {"passed": True, "sentence": "No leak.", "leaks": {"sim": "no leak found"}})
    write(results / "data_cards/sim.md", "# A set\n\n## Source\n\n- Licence: `<b>`\n")
    for task, regime in EVALUATIONS:
        rows = [f"{arm},{seed},macro_f1,0.{5 + seed}" for arm in ARMS for seed in SEEDS]
        write(
            results / f"statistics/{task}-{regime}-labels100/trainings.csv", "\n".join(["arm,seed,metric,value", *rows])
        )
        draw(results, f"{task}-{regime}/roc", f"{task}-{regime}/missed_by_all")
        for arm in ARMS:
            for seed in SEEDS:
                write_outcome(
                    results / f"cells/{task}/{regime}/labels100/{arm}/seed{seed}",
                    (failures or {}).get((task, arm, seed)),
                )
                draw(results, f"{task}-{regime}/cells/{arm}-seed{seed}/fold0_predictions")
    encoders = [str(write_encoder(results / f"encoders/{arm}/seed{seed}", arm)) for arm in ARMS for seed in SEEDS]
    draw(results, "overview", "differences", "variance", "cost", "busi-map", "pretraining/seed0/simclr/pair_weights")
    figures = ["overview", "differences", "variance", "cost"]
    place = Place(results, dict.fromkeys(EVALUATIONS, ARMS), ARMS, SEEDS, ["sim"], figures)
    record = {"commit": "c0ffee", "config_sha256": "k", "packages": {"torch": "2.13.0"}}
    record |= {"hardware": {"cpu": "A", "gpu": "none", "system": "Linux"}}
    config = {"study": "tiny", "seeds": SEEDS, "results": "results"}
    citation = write(results / "CITATION.cff", json.dumps(CITATION))
    return found, sections(place, encoders, [record], found, config, citation)


CITATION = {"title": "A benchmark", "authors": [{"name": "Us"}], "version": "1", "date-released": "2026-01-02"}


def write_outcome(folder, reason=None):
    """The outcome of a run, failed for a reason if there is one."""
    outcome = {"status": "failed" if reason else "done", "reason": reason, "key": "k", "files": {}}
    return write(folder / "outcome.json", outcome)


def write_encoder(folder, arm):
    """An encoder; the pairs of simclr have weights that vary."""
    if arm == "simclr":
        write(folder / "pairs.csv", "video,weight,start_weight\nv,0.2,0.4\nw,0.6,0.1\n")
        write(folder / "history.csv", "epoch,pairs,weight_ess,alpha_distance,alpha_bound\n0,4,3,0.1,0.2\n")
    return write_outcome(folder)
