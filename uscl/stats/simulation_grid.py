"""The simulated worlds in which the tests must hold their level: a name for each."""

from dataclasses import replace
from itertools import product

from uscl.stats.simulated_scores import World

TRAININGS = (3, 5, 10)
LUCK = {
    "luck 0": (0.0,) * 6,
    "luck 1.5": (1.5,) * 6,
    "luck 3": (3.0,) * 6,
    "luck 0 v. 3": (0.0,) + (3.0,) * 5,  # the reference first
    "luck 3 v. 0": (3.0,) + (0.0,) * 5,
    "luck 0, 1.5, 3": (1.5, 0.0, 1.5, 3.0, 0.0, 3.0),
}
PATIENTS = {
    "4/12/14 patients": (4, 12, 14),
    "11/46/41 patients": (11, 46, 41),
    "40 patients": (40,),
    "70 patients": (70,),
    "98 patients": (98,),
    "200 patients": (200,),
    "600 patients": (600,),
}
UNEQUAL = {"5 v. 3": (5,) + (3,) * 5, "3 v. 5": (3,) + (5,) * 5, "10 v. 5": (10,) + (5,) * 5}
EVERY = tuple(range(1, 31))  # frames of a patient
VARIANTS = {
    "close arms": World(arm_patient=5.0, training_patient=20.0),
    "distant arms": World(arm_patient=38.0),
    "no training x patient": World(training_patient=0.0),
    "common luck 1.5": World(common_luck=1.5),
    "common luck 3, own 0": World(common_luck=3.0, luck=(0.0,) * 6),
    "common training x patient 10": World(common_training_patient=10.0),
    "fold models 3, luck 0": World(fold_model=3.0, luck=(0.0,) * 6),
    "fold models 6": World(fold_model=6.0),
    "1-30 frames": World(frames=EVERY, frame_noise=40.0),
    "1-30 frames, 11/46/41": World(frames=EVERY, frame_noise=40.0, strata=(11, 46, 41)),
}
# A frame is right if a sum with these sds is above 0; the luck of a training is about 1.5 points of accuracy.
PROBIT = World(
    right_or_wrong=True,
    skill=(50.0,) * 6,
    luck=(6.0,) * 6,
    difficulty=70.0,
    arm_patient=50.0,
    training_patient=25.0,
    frame_noise=70.0,
)
RIGHT_OR_WRONG = {
    "right or wrong, 1 frame": PROBIT,
    "right or wrong, 1-30 frames": replace(PROBIT, frames=EVERY),
    "right or wrong, 1-30 frames, 11/46/41": replace(PROBIT, frames=EVERY, strata=(11, 46, 41)),
}
DETERMINISTIC = {
    "deterministic reference": (True,) + (False,) * 5,
    "deterministic arms, trained reference": (False,) + (True,) * 5,
}


def grid() -> dict[str, World]:
    """All worlds by name: luck x patients x trainings, and variants of the middle one (luck 1.5, 98 patients)."""
    cells = {}
    for (luck, sds), (patients, strata), r in product(LUCK.items(), PATIENTS.items(), TRAININGS):
        cells[f"{luck}, {patients}, r {r}"] = World(luck=sds, strata=strata, trainings=(r,) * 6)
    for (name, world), r in product((VARIANTS | RIGHT_OR_WRONG).items(), TRAININGS):
        cells[f"{name}, r {r}"] = replace(world, trainings=(r,) * 6)
    for (name, fixed), sd, r in product(DETERMINISTIC.items(), (1.5, 3.0), TRAININGS):
        trainings = tuple(1 if one else r for one in fixed)
        cells[f"{name}, luck {sd:g}, r {r}"] = World(trainings=trainings, luck=(sd,) * 6)
    for (name, trainings), luck in product(UNEQUAL.items(), ("luck 1.5", "luck 3", "luck 0 v. 3", "luck 3 v. 0")):
        cells[f"{luck}, 98 patients, r {name}"] = World(trainings=trainings, luck=LUCK[luck])
    return cells
