"""Is the data there, and if not, where does it come from?"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.checks.doctor.findings import Finding, counted, missing, note, ok, size
from uscl.data.manifest import MANIFEST_FILE, read_manifest
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES


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
    if held := extracted(store):
        return ok(f"extracted{where}: {held}")
    if simulation := settings.get("simulate"):
        return ok(f"will be simulated: {simulation['kind']}, {counted(simulation['patients'], 'patient')}")
    if given["exists"]:
        files = media_files(Path(given["folder"]))
        if not files and settings.get("reader") != "pocus_folds":
            return missing(f"{given['folder']} holds no video and no image: correct its data_root.")
        return ok(f"{given['folder']}: {counted(files, 'media file')}{expected(entry, settings)}")
    if given["fetchable"] and entry:
        return note(f"will be fetched to {given['folder']}: {download(entry)}{expected(entry, settings)}")
    return missing(given["how_to_get"])


def extracted(store: Path) -> str | None:
    """What a frame store holds; None if there is none, or if it is incomplete and will be extracted again."""
    try:
        manifest = read_manifest(store / MANIFEST_FILE)
    except (OSError, UserError):
        return None
    return f"{counted(manifest['video'].nunique(), 'file')}, {counted(len(manifest), 'frame')}"


def expected(entry: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> str:
    """What the registry expects a public set to hold, if anything."""
    if not entry or settings.get("partial"):
        return ""
    counts = ((entry["expected"].get(things), things[:-1]) for things in ("videos", "images", "frames"))
    known = ", ".join(counted(count, thing) for count, thing in counts if count)
    return f"; expected {known}" if known else ""


def media_files(folder: Path) -> int:
    """How many videos and still images are below a folder, except for hidden ones."""
    count = 0
    for _, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = [name.lower() for name in names if not name.startswith(".")]
        count += sum(name.endswith((*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)) for name in shown)
    return count


def download(entry: Mapping[str, Any]) -> str:
    """How much has to be downloaded."""
    sizes = [file["size"] for file in entry["files"]]
    known = sum(count for count in sizes if count)
    if not known:
        return f"{counted(len(sizes), 'archive')}, size not known"
    return f"{size(known)}" + (" and more, not all sizes are known" if None in sizes else "")
