"""Look into a folder of data: list it as its reader does, and decode the first frame of some files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.checks.doctor.findings import Finding, counted, missing, note, ok
from uscl.data import readers
from uscl.data.decode.load import Rejected, Sampling
from uscl.data.decode.pool import Decoders
from uscl.data.expected_counts import check_counts
from uscl.data.readers.shared.listing import Sources
from uscl.data.readers.shared.own_data import WHOLE_SET
from uscl.data.regions import with_crops, without_excluded
from uscl.data.source import Source
from uscl.data.sources.fingerprint import MOST_WATCHED, survey

SAMPLE = 8  # files of which the first frame is decoded
LIMIT_S = 30.0  # per file
ONE_FRAME = Sampling(size=32, rate_hz=None, max_frames=1)
OPTIONS = ("patient", "group", "table", "classes", "labels", "mask")


def look_inside(name: str, folder: Path, entry: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> Finding:
    """What a set's folder holds, and whether some of its files can be read; `settings` are those of the study."""
    if survey(str(folder)).huge:
        return note(f"{folder} holds more than {MOST_WATCHED:,} files and was not looked into.")
    options = {key: settings[key] for key in OPTIONS if settings.get(key)} if "kind" in settings else {}
    try:
        found = readers.reader(settings.get("kind") or settings["reader"])(folder, **options)
        if entry and entry["expected"] and not settings.get("partial"):
            check_counts(name, folder, found, entry["expected"])
        found = with_crops(folder, without_excluded(folder, found, settings.get("exclude")), settings.get("crop"))
    except UserError as error:
        return missing(str(error))
    files = [Source(*row) for row in found.files.itertuples(index=False)]
    if not files:
        return missing(f"{folder} holds no file that can be used: {first_problem(found)}")
    return verdict(f"{folder}: {counted(len(files), 'file')}", remarks(found), *decoded(folder, sample(files)))


def verdict(text: str, remarks: Sequence[str], looked: int, faults: Sequence[str]) -> Finding:
    """The finding for a folder whose `faults` are those of the files looked into."""
    if not looked:
        return note("; ".join([f"{text}, none looked into", *remarks])) if remarks else ok(f"{text}, none looked into")
    if not faults:
        text = f"{text}; {looked} of them looked into: all can be read"
        return note("; ".join([text, *remarks])) if remarks else ok(text)
    text = f"{text}; {looked} of them looked into: {len(faults)} can't be read, such as {faults[0]}"
    return missing(text) if len(faults) == looked else note("; ".join([text, *remarks]))


def sample(files: Sequence[Source]) -> list[Source]:
    """Some files, spread over the set; pickled folds are too large to be opened here."""
    usable = [source for source in files if source.kind != "fold"]
    return usable[:: max(1, -(-len(usable) // SAMPLE))]


def decoded(folder: Path, files: Sequence[Source]) -> tuple[int, list[str]]:
    """How many files were opened, and the name and reason of each that can't be read."""
    if not files:
        return 0, []
    with Decoders(folder, ONE_FRAME, LIMIT_S) as decoders:
        results = [decoders.load(source) for source in files]
    return len(files), [f"{one.source.file}: {one.reason}" for one in results if isinstance(one, Rejected)]


def remarks(found: Sources) -> list[str]:
    """What the reader sets aside, as one remark, and its remarks on the whole set."""
    problems = found.problems
    aside = problems[problems["action"] == "set aside"]
    first = [f"{counted(len(aside), 'file')} set aside, such as {first_problem(found)}"] if len(aside) else []
    return first + problems[problems["file"] == WHOLE_SET]["reason"].tolist()


def first_problem(found: Sources) -> str:
    """Name and reason of the first file that is set aside, if any."""
    aside = found.problems[found.problems["action"] == "set aside"]
    return "" if aside.empty else f"{aside['file'].iloc[0]}: {aside['reason'].iloc[0]}"
