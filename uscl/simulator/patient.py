"""Put a simulated patient under a scanner: the same body in every video, a new view and machine in each."""

from uscl.base.seeds import generator
from uscl.simulator.anatomy_breast import breast
from uscl.simulator.anatomy_liver import liver
from uscl.simulator.anatomy_lung import State, Variety, lung
from uscl.simulator.machine import Exam
from uscl.simulator.masses import Finding
from uscl.simulator.phantom import Phantom
from uscl.simulator.scan import Scanner

MARGIN = 15.0  # mm of tissue around the field of view, so that motion moves no edge into it


def lung_scanner(
    seed: int, case: tuple[str | int, ...], view: int, exam: Exam, state: State, variety: Variety
) -> Scanner:
    """The chest of patient `case`, seen at intercostal space `view`."""
    half, depth = extent(exam)
    body, place = generator(seed, *case, "chest"), generator(seed, *case, "chest", view)
    return place_scanner(exam, lung(body, place, state, half, depth, variety), seed, case, view)


def liver_scanner(seed: int, case: tuple[str | int, ...], view: int, exam: Exam) -> Scanner:
    """The upper abdomen of patient `case`, seen in section `view`."""
    half, depth = extent(exam)
    body, place = generator(seed, *case, "abdomen"), generator(seed, *case, "abdomen", view)
    return place_scanner(exam, liver(body, place, half, depth), seed, case, view)


def breast_scanner(
    seed: int, case: tuple[str | int, ...], view: int, exam: Exam, finding: Finding, lesions: int
) -> Scanner:
    """The breast of patient `case` with `lesions` masses, seen in section `view`."""
    half, depth = extent(exam)
    body, place = generator(seed, *case, "breast"), generator(seed, *case, "breast", view)
    return place_scanner(exam, breast(body, place, finding, lesions, half, depth), seed, case, view)


def extent(exam: Exam) -> tuple[float, float]:
    """Half width and depth of tissue to simulate, mm."""
    if exam.probe == "linear":
        return exam.half * 1.2 + MARGIN / 3, exam.depth + MARGIN / 3
    return exam.span * 0.6 + MARGIN, exam.depth + 2 * MARGIN


def place_scanner(exam: Exam, phantom: Phantom, seed: int, case: tuple[str | int, ...], view: int) -> Scanner:
    """A scanner on a phantom; each view has its own scatterers."""
    return Scanner(exam, phantom, generator(seed, *case, "scatterers", view))
