"""The registry of pretraining methods: every module of this package that declares a `METHOD`.

A new method is one file here, or a file of the user's that a study names by its path (`uscl.pretrain.own_method`). The
workflow reads the declarations whenever it plans a study, so the modules import heavy libraries only inside their
functions.
"""

import functools
import pkgutil
from importlib import import_module

from uscl.base.errors import UserError
from uscl.pretrain.method import Method
from uscl.pretrain.own_method import is_file, own_method


class Methods(dict[str, Method]):
    """The project's methods by name; a user's method, which is none of its items, is found by the path of its file."""

    def __missing__(self, name: str) -> Method:
        if is_file(name):
            return own_method(name)
        raise KeyError(name)


@functools.cache
def methods() -> Methods:
    """All methods by name, in alphabetical order. Raises UserError for a module without a complete declaration."""
    found = Methods()
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        method = getattr(import_module(f"{__name__}.{module}"), "METHOD", None)
        if not isinstance(method, Method) or method.name != module:
            raise UserError(f"uscl/pretrain/methods/{module}.py must declare METHOD = Method('{module}', ...).")
        if (method.pretrain is not None) + (method.start is not None) != method.encodes:
            raise UserError(
                f"The method '{module}' must declare either `pretrain` or `start`, and not both; neither if it `gives`"
                " features or predictions."
            )
        found[module] = method
    return found
