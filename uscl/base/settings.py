"""Types of settings: pydantic models that reject unknown keys, and numbers that stay numbers.

Snakemake reads nested values of `--config` as text and YAML 1.1 reads 1e-3 as text, so text that spells a number or a
truth value is converted to it. A truth value is never converted to a number.
"""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

LARGEST = 1e30  # training computes in 32 bits


class Settings(BaseModel):
    """Settings that belong together: an unknown key is an error, and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    def given(self) -> dict[str, Any]:
        """All settings with their defaults, as plain values."""
        # A method in a file of the user's is none of the declared ones, of which pydantic would warn.
        return self.model_dump(mode="json", warnings=False)


def as_number(value: Any) -> Any:
    """Convert text that spells a number; a whole float becomes an integer, a truth value raises ValueError.

    >>> as_number("1e2"), as_number("1e-3"), as_number(64.0), as_number("many")
    (100, 0.001, 64, 'many')
    """
    if isinstance(value, bool):
        raise ValueError("must be a number, not a truth value")
    if isinstance(value, str):
        try:
            value = float(value) if not value.lstrip("+-").isdigit() else int(value)
        except ValueError:
            return value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {value}")
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def as_nothing(value: Any) -> Any:
    """Convert text that spells null to None: Snakemake reads `null` in nested values of `--config` as text."""
    return None if isinstance(value, str) and value in ("null", "~", "") else value


def listed_once(items: list[Any]) -> list[Any]:
    """The list itself. Raises ValueError if it contains an item twice."""
    if any(item in items[:place] for place, item in enumerate(items)):
        raise ValueError(f"names something twice: {items}")
    return items


def one_of(names: list[str]) -> Any:
    """A text type that accepts only `names`, which are known only once the registries are read."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"not one of {names}")
        return value

    return Annotated[str, AfterValidator(check), WithJsonSchema({"enum": names})]


Int = Annotated[int, BeforeValidator(as_number), Field(le=LARGEST)]
Float = Annotated[float, BeforeValidator(as_number), Field(le=LARGEST, allow_inf_nan=False)]
Nothing = BeforeValidator(as_nothing)
Once = AfterValidator(listed_once)
