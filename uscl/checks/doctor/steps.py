"""Have the arms enough steps to learn something? Estimated before the pool is divided."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.checks.doctor.findings import Finding, note, ok
from uscl.checks.feasible.pretraining import FEW_STEPS, all_settings, few_steps, method_of
from uscl.data.manifest import MANIFEST_FILE, read_manifest
from uscl.pretrain.method import Trained
from uscl.pretrain.pairs.pairs import bounds


def step_findings(
    arms: Mapping[str, Mapping[str, Any]], shares: Mapping[str, float], videos: int | None
) -> list[Finding]:
    """A note per arm whose steps are too few; `videos` is the number in the pool, None if it is not known yet.

    `shares` are the shares of the pool that are held out from training, by part (`Study.pool_shares`).
    """
    trained = {arm: all_settings(settings) for arm, settings in arms.items() if method_of(settings).trains}
    if not trained:
        return []
    if videos is None:
        return [note("steps per arm: unknown until the pool is read")]
    found = [few_steps(arm, settings, steps_of_epoch(settings, shares, videos)) for arm, settings in trained.items()]
    return [note(sentence) for sentence in found if sentence] or [
        ok(f"every arm that starts from random weights takes {FEW_STEPS} steps or more")
    ]


def steps_of_epoch(settings: Trained, shares: Mapping[str, float], videos: int) -> int:
    """About how many steps an epoch has."""
    held_out = sum(share for part, share in shares.items() if part not in settings.parts)
    return len(bounds(max(2, round(videos * (1 - held_out))), settings.batch_size, drop=settings.drop)) - 1


def videos_of(settings: Mapping[str, Any], entry: Mapping[str, Any] | None, store: Path) -> int | None:
    """How many videos a data set holds: in its frame store, else as simulated or as the registry expects, else None."""
    try:
        return int(read_manifest(store / MANIFEST_FILE)["video"].nunique())
    except (OSError, UserError):
        pass
    if simulation := settings.get("simulate"):
        return simulation["patients"] * simulation["videos"] if simulation.get("videos") else None
    return entry["expected"].get("videos") if entry and not settings.get("partial") else None
