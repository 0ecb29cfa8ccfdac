"""Where the weights of an encoder lie in a checkpoint of another program.

Trainings save them below an entry (`state_dict`, `model`, DINO's `teacher`) and under names with prefixes, such as
DataParallel's `module.` and MoCo's `encoder_q.`. The prefix that fits most of the encoder's tensors is the right one.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from uscl.base.errors import UserError
from uscl.models.checkpoint import shortened

log = logging.getLogger(__name__)

ENTRIES = ("state_dict", "model", "teacher")
# In the order in which they are preferred, if several fit equally well: DINO evaluates its teacher.
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "teacher.", "encoder_q.", "student.", "backbone.", "encoder.")
LEAST = 0.95  # share of an encoder's tensors that a file must have


class Fit(NamedTuple):
    """Which of an encoder's tensors a file has, and which it lacks or has in another shape; and what it has besides."""

    fitting: list[str]
    missing: list[str]
    other_shape: list[str]
    left_over: list[str]

    @property
    def share(self) -> float:
        """The share of the encoder's tensors that the file has."""
        return len(self.fitting) / (len(self.fitting) + len(self.missing) + len(self.other_shape))

    def words(self, arch: str) -> str:
        """What fits and what doesn't, for the log and the table."""
        absent = {"missing": self.missing, "of another shape": self.other_shape}
        parts = [f"{len(names)} {what}: {shortened(names)}" for what, names in absent.items() if names]
        total = len(self.fitting) + len(self.missing) + len(self.other_shape)
        more = f" ({'; '.join(parts)})" if parts else ""
        return f"{len(self.fitting)} of {total} tensors of {arch} are in the file{more}"


def entry_of(content: Any, key: str | None, source: str) -> Mapping[str, Any]:
    """The state dict in a checkpoint: at `key` (dots lead to nested entries), else in the known entries.

    Raises UserError if there is none, or if two entries may be meant.
    """
    if key is not None:
        for name in key.split("."):
            if not isinstance(content, Mapping) or name not in content:
                known = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
                raise UserError(f"{source} has no entry '{name}' (`key: {key}`), but only {known}: correct `key`.")
            content = content[name]
    seen: list[int] = []  # an entry may hold itself
    while isinstance(content, Mapping) and not has_tensors(content) and id(content) not in seen:
        seen.append(id(content))
        found = [name for name in ENTRIES if isinstance(content.get(name), Mapping)]
        if len(found) > 1:
            raise UserError(
                f"{source} has the entries {' and '.join(found)}: save the one that is meant alone, or name it as `key`"
                " (`method: file`)."
            )
        if not found:
            break
        others = shortened(map(str, content.keys() - set(found)))
        log.info("The weights in %s are its entry `%s`%s.", source, found[0], f"; not used: {others}" if others else "")
        content = content[found[0]]
    if not isinstance(content, Mapping) or not has_tensors(content):
        known = f" ({shortened(map(str, content))})" if isinstance(content, Mapping) and content else ""
        raise UserError(
            f"{source} holds no tensors by name{known}: save the state dict alone, or name its entry as `key` (`method:"
            " file`)."
        )
    return {name: value for name, value in content.items() if isinstance(name, str)}


def has_tensors(content: Mapping[Any, Any]) -> bool:
    """Whether any name stands for a tensor."""
    return any(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())


def without_prefix(
    content: Mapping[str, Any], own: Mapping[str, Tensor], prefix: str | None, source: str
) -> Mapping[str, Tensor]:
    """The tensors whose names begin with `prefix`, else with the one that fits most of the encoder's `own`, without it.

    Raises UserError if no name begins with the given prefix.
    """
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if prefix is not None and not any(name.startswith(prefix) for name in tensors):
        raise UserError(f"No name in {source} begins with '{prefix}' (`prefix`), as in {shortened(tensors, 3)}.")
    candidates = [prefix] if prefix is not None else prefixes_in(tensors)
    cut = {
        each: {name.removeprefix(each): t for name, t in tensors.items() if name.startswith(each)}
        for each in candidates
    }
    chosen = max(candidates, key=lambda each: len(fit(cut[each], own).fitting))
    if chosen:
        log.info("The names in %s begin with `%s`: the prefix is removed.", source, chosen)
    return cut[chosen]


def prefixes_in(names: Mapping[str, Any]) -> list[str]:
    """All prefixes that are made of known ones and begin a name, none first, then as `PREFIXES` prefers them.

    >>> prefixes_in({"student.backbone.a": 1, "teacher.backbone.a": 1})
    ['', 'teacher.', 'teacher.backbone.', 'student.', 'student.backbone.']
    """
    found, waiting = [], [""]
    while waiting:
        found.append(start := waiting.pop(0))
        longer = [start + each for each in PREFIXES if any(name.startswith(start + each) for name in names)]
        waiting = longer + waiting
    return found


def fit(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fit:
    """Which of an encoder's `own` tensors there are, in the shape that they have there."""
    there = own.keys() & tensors.keys()
    # A nested tensor has no shape.
    fitting = {name for name in there if not tensors[name].is_nested and own[name].shape == tensors[name].shape}
    return Fit(*map(sorted, (fitting, own.keys() - there, there - fitting, tensors.keys() - there)))
