"""CPU seconds (user + system) that the imports of each script take, next to those of an empty interpreter.

    python benchmarks/imports.py [--repeat 3] [PART OF A NAME ...]

Each script's import statements run in a separate interpreter, from a warm file cache; the median counts. `CALLED` lists
the libraries that a job imports only when it calls them, such as those of an encoder.
"""

import argparse
import ast
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"

LITE0 = "from uscl.models.encoder import Encoder; Encoder('tf_efficientnet_lite0')"
# torch imports its compiler with the first optimizer.
TRAINED = f"{LITE0}; import torch; torch.optim.AdamW([torch.zeros(1, requires_grad=True)])"
CONTRASTIVE = f"import uscl.pretrain.engine.loop, uscl.pretrain.pairs.pool; {TRAINED}; import kornia.augmentation"
# Kinds of job: the script, and what its jobs import on the way.
CALLED = {
    "finetune classification": (
        "evaluate/finetune.py",
        f"import uscl.evaluate.classification; {TRAINED}; import kornia.augmentation",
    ),
    "finetune segmentation": (
        "evaluate/finetune.py",
        f"import uscl.evaluate.segmentation; {TRAINED}; import kornia.augmentation, segmentation_models_pytorch",
    ),
    "probe knn": ("evaluate/probe.py", "import uscl.evaluate.knn"),
    "probe linear": ("evaluate/probe.py", "import uscl.evaluate.linear"),
    "features": ("evaluate/features.py", LITE0),
    "pretrain simclr": ("pretrain/pretrain.py", f"import uscl.pretrain.methods.simclr; {CONTRASTIVE}"),
    "pretrain meta_uscl": (
        "pretrain/pretrain.py",
        f"import uscl.pretrain.methods.meta_uscl, uscl.pretrain.meta.weighted_step; {CONTRASTIVE}",
    ),
    "published_encoder": ("pretrain/published_encoder.py", LITE0),
}


def kinds() -> dict[str, tuple[str, str]]:
    """Every kind of job: those of `CALLED`, and every other script on its own."""
    scripts = sorted(path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.rglob("*.py"))
    known = {script for script, _ in CALLED.values()}
    return CALLED | {Path(script).stem: (script, "") for script in scripts if script not in known}


def statements(script: str, called: str = "") -> str:
    """The import statements of a script, wherever they are in it, and what else its jobs import."""
    tree = ast.parse((SCRIPTS / script).read_text(encoding="utf-8"))
    found = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join([*found, called])


def cpu_seconds(code: str) -> float:
    """CPU seconds of an interpreter that runs `code` and ends."""
    pid = os.posix_spawn(sys.executable, [sys.executable, "-P", "-c", code], os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"these imports failed:\n{code}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="only kinds of job with one of these in their name")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    empty = statistics.median(cpu_seconds("") for _ in range(given.repeat))
    print(f"{'imports of':<34}{'CPU s':>8}{'/ empty':>9}\n{'(an empty interpreter)':<34}{empty:8.3f}{1:9.0f}")
    for name, (script, called) in kinds().items():
        if not given.parts or any(part in name for part in given.parts):
            code = statements(script, called)
            seconds = statistics.median(cpu_seconds(code) for _ in range(given.repeat))
            print(f"{name:<34}{seconds:8.3f}{seconds / empty:9.0f}", flush=True)


if __name__ == "__main__":
    main()
