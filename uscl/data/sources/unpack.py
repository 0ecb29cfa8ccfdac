"""Unpack an untrusted archive, all or nothing, and safely even if it is malicious.

Only files and folders below the archive's own top are unpacked. Their bytes are counted during unpacking, since headers
can lie.
"""

import contextlib
import errno
import gzip
import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from uscl.base.errors import UserError

MAX_MEMBERS = 200_000
MAX_BYTES = 64 * 2**30
MAX_NAME = 255  # bytes of a file's name, on all usual file systems
LONGEST_NAME = 80  # characters of a name in a message
# Media files hardly compress, tables tenfold. Small files of one value, such as empty masks, may compress much more.
MAX_RATIO = 100
SMALL = 64 * 2**20

LITTER = ("__MACOSX", ".DS_Store")
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    ValueError,
)


class Readable(Protocol):
    """The methods that an open file must have."""

    def read(self, size: int = ..., /) -> bytes: ...
    def close(self) -> None: ...


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    fault: str  # why it can't be unpacked; "" if it can
    is_folder: bool
    open: Callable[[], Readable]


class Meter:
    """Counts the bytes unpacked from `packed` bytes, and refuses too many."""

    def __init__(self, what: str, packed: int):
        self.what, self.packed, self.bytes = what, packed, 0

    def count(self, number: int) -> None:
        """Add to the count. Raises UserError if it becomes too large."""
        self.bytes += number
        if self.bytes > MAX_BYTES:
            raise refused(self.what, f"unpacks to more than {MAX_BYTES:,} bytes")
        if self.bytes > max(SMALL, MAX_RATIO * self.packed):
            raise refused(self.what, f"unpacks to more than {MAX_RATIO} times its packed size")


class Metered:
    """An open file whose reads are counted."""

    def __init__(self, file: Readable, *meters: Meter):
        self.file, self.meters = file, meters

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises UserError if the total becomes too large."""
        data = self.file.read(size)
        for meter in self.meters:
            meter.count(len(data))
        return data

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip, tar or tar.gz to a new `folder`; a single folder at the archive's top is left out.

    Raises UserError, and leaves no files, if `folder` exists, or if the archive is damaged, has too much content, or
    has a member that leads out of it, is a link or a device, is encrypted, or occurs twice.
    """
    if os.path.lexists(folder):
        raise UserError(f"{folder} exists: remove it to unpack {archive} there.")
    partial_folder = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial_folder.mkdir(parents=True)
    try:
        with members(archive, partial_folder) as found:
            place(archive, found, partial_folder)
        tops = list(partial_folder.iterdir())
        if not tops:
            raise refused(str(archive), "holds no files")
        (tops[0] if len(tops) == 1 and tops[0].is_dir() else partial_folder).rename(folder)
    except DAMAGE as error:
        raise UserError(
            f"{archive} is damaged or neither zip nor tar ({error}): delete it and get it again."
        ) from error
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


@contextlib.contextmanager
def members(archive: Path, folder: Path) -> Iterator[Iterator[Member]]:
    """The members of an archive to unpack to `folder`; its content decides its type, not its name. Raises UserError."""
    whole = Meter(str(archive), archive.stat().st_size)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield zip_members(zipped, whole)
        return
    with archive.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.open(file) if packed else contextlib.nullcontext(file) as content:
            # As a stream: reaching the next member reads, and so counts, everything before it.
            stream = Metered(content, whole)
            with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
                yield tar_members(tar, folder, Meter(whole.what, whole.packed))


def zip_members(file: zipfile.ZipFile, whole: Meter) -> Iterator[Member]:
    """The members of a zip."""
    for info in file.infolist():
        mode = info.external_attr >> 16
        fault = ""
        if info.flag_bits & 1:
            fault = "is encrypted"
        elif stat.S_ISLNK(mode):
            fault = "is a link"
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            fault = "is neither a file nor a folder"

        yield Member(info.filename, fault, info.is_dir(), partial(zipped_content, file, info, whole))


def zipped_content(file: zipfile.ZipFile, info: zipfile.ZipInfo, whole: Meter) -> Readable:
    """A file of a zip."""
    own = Meter(f"{file.filename}: its member {shown(info.filename)}", info.compress_size)
    return Metered(file.open(info), own, whole)


def tar_members(tar: tarfile.TarFile, folder: Path, written: Meter) -> Iterator[Member]:
    """The members of a tar; `written` counts their real sizes, since a sparse file takes no space in the archive."""
    for info in tar:
        if info.size < 0:  # it would take from the count
            raise refused(f"{written.what}: its member {shown(info.name)}", "has a negative size")
        written.count(info.size)
        yield Member(info.name, tar_fault(info, folder), info.isdir(), partial(content_of, tar, info))


def tar_fault(info: tarfile.TarInfo, folder: Path) -> str:
    """Why a member of a tar isn't unpacked; "" if it is. Refuses links; Python's data filter decides the rest."""
    if info.issym() or info.islnk():
        return "is a link"
    try:
        tarfile.data_filter(info, str(folder))
    except tarfile.SpecialFileError:
        return "is neither a file nor a folder"
    except tarfile.FilterError:
        return "leads out of the archive"
    return ""


def content_of(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Readable:
    """A file of a tar."""
    file = tar.extractfile(info)
    if file is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return file


def place(archive: Path, found: Iterator[Member], folder: Path) -> None:
    """Write the members below a folder, except files that systems add to archives. Raises UserError."""
    for number, member in enumerate(found):
        what = f"{archive}: its member {shown(member.name)}"
        if number == MAX_MEMBERS:
            raise refused(str(archive), f"has more than {MAX_MEMBERS:,} members")
        if fault := member.fault or outside(member.name):
            raise refused(what, fault)
        parts = [part for part in re.split(r"[/\\]", member.name) if part not in ("", ".")]
        if any(part in LITTER for part in parts):
            continue
        path = folder.joinpath(*parts)
        try:
            (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
            if not member.is_folder:
                with path.open("xb") as target, contextlib.closing(member.open()) as source:
                    shutil.copyfileobj(source, target, 2**20)
        except (FileExistsError, NotADirectoryError) as error:
            raise refused(what, "has the same name as another one") from error
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise refused(what, f"has {too_long(path)}") from error


def outside(name: str) -> str:
    """Why a member's name is refused: it leads out of the archive's folder; "" if it doesn't.

    >>> outside("a/b.png"), outside("a/../../b"), outside("C:/b")
    ('', 'leads out of the archive', 'leads out of the archive')
    """
    leads_out = re.match(r"[/\\]|[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name)
    return "leads out of the archive" if leads_out else ""


def shown(name: str) -> str:
    """A member's name in a message: cut if it is very long, without line breaks and other control characters.

    >>> shown("a/" + 90 * "b")[-7:]
    'bbbb...'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST_NAME]) + "..." * (
        len(name) > LONGEST_NAME
    )


def too_long(path: Path) -> str:
    """Which limit of the file system the path of a member exceeds."""
    longest = max(len(os.fsencode(part)) for part in path.parts)
    if longest > MAX_NAME:
        return f"a name of {longest:,} bytes, and a file system takes {MAX_NAME}"
    return "a name or a path that is too long for the file system"


def refused(what: str, why: str) -> UserError:
    """The error for an archive that isn't unpacked."""
    return UserError(f"{what} {why}: it was not unpacked; get the archive from another address.")
