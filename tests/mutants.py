"""Mutation testing: one place of a module is changed, and the tests of its room must notice.

    python -m tests.mutants [ROOM or MODULE ...] [--count 20] [--seed 0]        from the root of the checkout

Draws `--count` places of each room of mutants.yaml and makes one change of cosmic-ray's at each, in a copy of the
checkout. Every mutant is tested in a fork of this process, which has imported the libraries already. Prints the mutants
that survive, then a table of the rooms. Exits with 1 if one survives that the list `equivalent` in mutants.yaml doesn't
argue. The same seed gives the same mutants.
"""

import argparse
import difflib
import importlib
import os
import random
import re
import resource
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from parso.tree import NodeOrLeaf
from rich.console import Console
from rich.table import Table

from tests.integration.calls import ROOT, copy_of_checkout

SETTINGS = yaml.safe_load((ROOT / "tests/mutants.yaml").read_text(encoding="utf-8"))
ROOMS: dict[str, dict[str, list[str]]] = SETTINGS["rooms"]  # the tests of each module
EQUIVALENT: list[dict[str, str]] = SETTINGS["equivalent"]
LIBRARIES = (
    "uscl.models.torchvision_cpu",
    "lightly.loss",
    "lightning_fabric",
    "pandas",
    "scipy.stats",
    "sklearn.model_selection",
)
CRASHES = re.compile(r"(Add|Sub|Mul|Div|Mod|Pow)_(LShift|RShift|Bit\w+)$")  # on real numbers, which any test notices
LIMIT_S = 900  # of CPU time, since other work can make it slow; a mutant that takes longer counts as killed
MEMORY = 8 * 2**30
OPTIONS = ("-x", "--disable-plugin-autoload", "-p", "xdist.plugin", "-p", "pytest_timeout", "-p", "no:cacheprovider")
VERDICTS = KILLED, SURVIVED, ARGUED = "killed", "survived", "argued"


class Mutant(NamedTuple):
    """The nth change that an operator of cosmic-ray can make in a module."""

    module: str
    operator: str
    number: int

    def code(self) -> str:
        """The changed module."""
        return mutate_code(text(self.module), get_operator(self.operator)(), self.number)

    def change(self) -> dict[str, str]:
        """The lines that it changes, and what they become."""
        diff = list(difflib.unified_diff(text(self.module).splitlines(), self.code().splitlines(), n=0))[3:]
        old, new = (" ".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+")
        return {"module": self.module, "line": old, "becomes": new}


def text(module: str) -> str:
    """A module's text."""
    return (ROOT / module).read_text(encoding="utf-8")


def main() -> None:
    """Test the mutants; exit 1 if one survives that isn't argued."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="rooms or modules; all rooms if there is none")
    parser.add_argument("--count", type=int, default=20, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    verdicts: Counter[tuple[str, str]] = Counter()
    sound: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        project = ready(Path(scratch) / "project")
        for room, modules in ROOMS.items():
            names = [name for name in modules if not arguments.names or {room, name} & set(arguments.names)]
            for mutant in drawn(names, arguments.count, arguments.seed):
                if mutant.module not in sound:
                    assert not fails(project, [mutant.module, *modules[mutant.module]]), f"{mutant.module} as it is"
                    sound.add(mutant.module)
                verdict = tested(mutant, modules[mutant.module], project)
                verdicts[room, verdict] += 1
                print(verdict, *(mutant.change().values() if verdict == SURVIVED else mutant), sep="\n    ", flush=True)
    table = Table("room", *VERDICTS)
    for room in dict.fromkeys(room for room, _ in verdicts):
        table.add_row(room, *(str(verdicts[room, verdict]) for verdict in VERDICTS))
    table.add_row("all", *(str(sum(verdicts[room, verdict] for room in ROOMS)) for verdict in VERDICTS))
    Console(width=100).print(table)
    sys.exit(any(verdict == SURVIVED for _, verdict in verdicts))


def drawn(modules: list[str], count: int, seed: int) -> list[Mutant]:
    """One mutant at each of `count` random places of some modules."""
    choice = random.Random(seed)
    places = [changes for module in modules for _, changes in sorted(mutants(module).items())]
    numbers = sorted(choice.sample(range(len(places)), min(count, len(places))))
    return [choice.choice(places[number]) for number in numbers]


def mutants(module: str) -> dict[tuple[int, int], list[Mutant]]:
    """All mutants of a module, by the place that they change; those of type annotations say nothing."""
    nodes, found = list(ast_nodes(get_ast(text(module)))), defaultdict(list)
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if operator.arguments() or CRASHES.search(name):
            continue  # replacing variables takes names
        changes = [(start, node) for node in nodes for start, _ in operator().mutation_positions(node)]
        for number, (start, node) in enumerate(changes):
            if not ("BitOr_" in name and annotates(node)):
                found[start].append(Mutant(module, name, number))
    return found


def annotates(node: NodeOrLeaf) -> bool:
    """Whether a node belongs to a type annotation."""
    around = node.parent
    while around and around.type not in ("suite", "simple_stmt", "param", "tfpdef", "annassign", "funcdef"):
        around = around.parent
    return bool(around) and around.type in ("tfpdef", "annassign", "funcdef")


def ready(project: Path) -> Path:
    """A copy of the checkout with its tests; the libraries are imported once for all mutants."""
    copy_of_checkout(project)
    shutil.copytree(ROOT / "tests", project / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("uscl", "tests")]:
        del sys.modules[name]  # forks import those of the copy
    sys.path = [str(project), *(entry for entry in sys.path if Path(entry).resolve() != ROOT)]
    return project


def tested(mutant: Mutant, tests: list[str], project: Path) -> str:
    """Whether the tests of a mutant's module fail, or else whether its survival is argued."""
    path = project / mutant.module
    path.write_text(mutant.code(), encoding="utf-8")
    failed = fails(project, [mutant.module, *tests], mutated=True)
    shutil.copy2(ROOT / mutant.module, path)
    if failed:
        return KILLED
    return ARGUED if any(mutant.change().items() <= entry.items() for entry in EQUIVALENT) else SURVIVED


def fails(project: Path, tests: list[str], *, mutated: bool = False) -> bool:
    """Whether tests fail, or don't end, in a fork; only what isn't `mutated` leaves its bytecode."""
    child = os.fork()
    if not child:
        sys.dont_write_bytecode = mutated
        os.chdir(project)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S))
        os._exit(pytest.main([*OPTIONS, *tests]))
    return os.waitpid(child, 0)[1] != 0


if __name__ == "__main__":
    main()
