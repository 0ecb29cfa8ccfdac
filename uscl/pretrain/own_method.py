"""A method in a file of the user's, named by its path in the study's file (`method: ./mine.py`)."""

import functools
import os
import sys
import traceback
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import create_model

from uscl.base.errors import UserError
from uscl.pretrain.method import AnyArm, FromPool, Method

METHODS = "uscl.pretrain.methods"
HEAVY = ("torch", "torchvision", "timm", "pandas", "mlflow")


def is_file(name: Any) -> bool:
    """Whether a `method` of a study names a file, and not a method of the project."""
    return isinstance(name, str) and name.endswith(".py")


def method_named(name: str) -> Method:
    """A method of the project by its name, or one of the user's by the path of its file. Raises UserError."""
    if is_file(name):
        return own_method(name)
    method: Method = import_module(f"{METHODS}.{name}").METHOD
    return method


def file_of(name: str) -> Path:
    """The file of a method of the user's; a relative path starts where Snakemake runs."""
    return Path(os.path.abspath(os.path.expanduser(name)))  # noqa: PTH100, PTH111 - as for other paths of a study


@functools.cache
def own_method(name: str) -> Method:
    """The method that a file declares as METHOD, its settings with the path as their `method`.

    Raises UserError if the file can't be loaded, or is not such a declaration.
    """
    path = file_of(name)
    if not path.is_file():
        raise UserError(f"The method {name} doesn't exist: there is no file {path}.")
    if find_spec(f"{METHODS}.{path.stem}"):
        raise UserError(f"The method {name} has the name of a method of the project: rename its file and its METHOD.")
    method = getattr(loaded(name, path), "METHOD", None)
    if not isinstance(method, Method) or method.name != path.stem:
        raise UserError(f"The method {name} must declare METHOD = Method('{path.stem}', ...).")
    if (method.pretrain is None) == (method.start is None):
        raise UserError(f"The method {name} must declare either `pretrain` or `start`, and not both.")
    base = FromPool if method.uses_pool else AnyArm
    if not (isinstance(method.settings, type) and issubclass(method.settings, base)):
        raise UserError(f"The settings of the method {name} must be a class derived from {base.__name__}.")
    fields: dict[str, Any] = {"method": (Literal[name], name)}
    settings = create_model(method.settings.__name__, __base__=method.settings, **fields)
    return method._replace(settings=settings)


def loaded(name: str, path: Path) -> ModuleType:
    """The module in the file. Raises UserError if that fails, or if it imports what every plan would wait for."""
    spec = spec_from_file_location(f"own_method_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks annotations up there
    before = set(sys.modules)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # of any type: it is the user's program
        raise UserError(f"The method {name} can't be loaded: {fault(error, path)}.") from error
    if heavy := [library for library in HEAVY if library in set(sys.modules) - before]:
        raise UserError(
            f"The method {name} imports {heavy[0]} when it is loaded, and so at every plan of the study: move the"
            " import into the function that needs it."
        )
    return module


def fault(error: Exception, path: Path) -> str:
    """What went wrong in the file, and in which of its lines."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}: {error.msg}"
    own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    what = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(".")
    return f"line {own[-1]}: {what}" if own else what
