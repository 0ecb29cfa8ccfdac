"""Calls of the workflow's scripts as Snakemake makes them, without Snakemake."""

import logging
import runpy
import signal
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Given(dict):
    """What Snakemake hands to a script: by name, by place, and in order."""

    __getattr__ = dict.__getitem__

    def __iter__(self):
        for value in self.values():
            yield from value if isinstance(value, list) else [value]

    def __getitem__(self, key):
        return list(self)[key] if isinstance(key, int) else super().__getitem__(key)


class Called:
    """A job in a results folder, in which its inputs and outputs are; `config` is that of its study."""

    def __init__(self, results, params, task, config, **files):
        self.input, self.output = (
            Given({name: placed(results, path) for name, path in files[key].items()}) for key in ("input", "output")
        )
        self.log, self.rule, self.threads = [str(results / "logs/job.log")], "a_rule", 1
        self.wildcards, self.params = Given(task=task), Given(params)
        self.config = {"results": str(results)} | config


def placed(results, names):
    return [str(results / name) for name in names] if isinstance(names, list) else str(results / names)


def run(script, *given, **files):
    """Run a script of workflow/scripts; the arguments are those of `Called`."""
    runpy.run_path(str(ROOT / "workflow/scripts" / script), {"snakemake": Called(*given, **files)})


@contextmanager
def process_as_before():
    """A job changes how its process logs and ends: after this block all is as before."""
    handlers = logging.getLogger().handlers[:]
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        logging.getLogger().handlers[:] = handlers
        for number, handler in before.items():
            signal.signal(number, handler)
