"""Exit with 0 if the installed torch needs the packages of requirements-cuda.lock, else with 1."""

import sys
from importlib.metadata import requires


def is_cuda_build() -> bool:
    """Whether torch names CUDA's packages among its needs."""
    return any(need.startswith(("nvidia", "cuda")) for need in requires("torch") or ())


if __name__ == "__main__":
    sys.exit(not is_cuda_build())
