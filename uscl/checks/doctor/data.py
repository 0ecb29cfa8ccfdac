"""Is the data there, and if not, where does it come from?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.checks.doctor.findings import Finding, counted, missing, note, ok, size
from uscl.checks.doctor.look_inside import look_inside
from uscl.data.store import FrameStore


def data_findings(
    sets: Sequence[Mapping[str, Any]], registry: Mapping[str, Any], config: Mapping[str, Any], frames: Path
) -> list[Finding]:
    """One finding per data set; `sets` have name, folder, exists, fetchable, how_to_get; `frames` has frame stores."""
    width = max((len(given["name"]) for given in sets), default=0)
    findings = []
    for given in sets:
        settings = config["datasets"][given["name"]]
        found = set_finding(given, registry.get(settings.get("reader", "")), settings, frames / given["name"])
        findings.append(found._replace(text=f"{given['name']:{width}}  {found.text}"))
    return findings


def set_finding(
    given: Mapping[str, Any], entry: Mapping[str, Any] | None, settings: Mapping[str, Any], store: Path
) -> Finding:
    """Where one data set is, or will come from, and what it holds."""
    where = f" from {given['folder']}" if given["exists"] else ""
    if stored := extracted(store, where):
        return stored
    if simulation := settings.get("simulate"):
        return ok(f"will be simulated: {simulation['kind']}, {counted(simulation['patients'], 'patient')}")
    if given["exists"]:
        return look_inside(given["name"], Path(given["folder"]), entry, settings)
    if given["fetchable"] and entry:
        return note(f"will be fetched to {given['folder']}: {download(entry)}{expected(entry, settings)}")
    return missing(given["how_to_get"])


def extracted(store: Path, where: str) -> Finding | None:
    """What a frame store holds, or what is wrong with it; None if nothing is extracted yet."""
    if not any(store.glob("manifest.*")):
        return None
    try:
        manifest = FrameStore.open(store).manifest
    except (OSError, UserError) as error:
        return missing(f"{error} (call with --forcerun extract_frames)")
    return ok(f"extracted{where}: {counted(manifest['video'].nunique(), 'file')}, {counted(len(manifest), 'frame')}")


def downloads(
    sets: Sequence[Mapping[str, Any]], registry: Mapping[str, Any], config: Mapping[str, Any], frames: Path
) -> list[str]:
    """The sets that have yet to be downloaded, with their sizes; arguments as for `data_findings`."""
    absent = [given["name"] for given in sets if given["fetchable"] and not given["exists"]]
    coming = [name for name in absent if not any((frames / name).glob("manifest.*"))]
    entries = {name: registry.get(config["datasets"][name].get("reader", "")) for name in coming}
    return [f"{name} ({download(entry)})" for name, entry in entries.items() if entry]


def expected(entry: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> str:
    """What the registry expects a public set to hold, if anything."""
    if not entry or settings.get("partial"):
        return ""
    counts = ((entry["expected"].get(things), things[:-1]) for things in ("videos", "images", "frames"))
    known = ", ".join(counted(count, thing) for count, thing in counts if count)
    return f"; expected {known}" if known else ""


def download(entry: Mapping[str, Any]) -> str:
    """How much has to be downloaded."""
    sizes = [file["size"] for file in entry["files"]]
    known = sum(count for count in sizes if count)
    if not known:
        return f"{counted(len(sizes), 'archive')}, size not known"
    return f"{size(known)}" + (" and more, not all sizes are known" if None in sizes else "")
