import gzip
import io
import os
import resource
import stat
import struct
import tarfile
import zipfile

import pytest

from uscl.base.errors import UserError
from uscl.data.sources import unpack as module
from uscl.data.sources.unpack import unpack

FILES = {"set/a.txt": b"a", "set/deep/b (1).png": b"bb", "set/ü.csv": b"c"}
PLAIN = {"a.txt": b"a", "deep/b (1).png": b"bb", "ü.csv": b"c"}


def zip_of(path, files, **attributes):
    """A zip of files; attributes are set on every member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in attributes.items():
                setattr(info, key, value)
            file.writestr(info, content)
    return path


def tar_of(path, files, mode="w", **attributes):
    """A tar of files; attributes are set on every member."""
    with tarfile.open(path, mode) as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in attributes.items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return path


def tgz_of(path, files):
    return tar_of(path, files, "w:gz")


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(archive, message):
    """The archive isn't unpacked, is named, and nothing is left next to it."""
    before = sorted(archive.parent.iterdir())
    with pytest.raises(UserError, match=message) as error:
        unpack(archive, archive.parent / "set")
    assert str(archive) in str(error.value)
    assert sorted(archive.parent.iterdir()) == before


# The names are wrong on purpose in two cases: mirrors may pack differently.
@pytest.mark.parametrize(("pack", "name"), [(zip_of, "s.zip"), (tar_of, "s.tar"), (tgz_of, "s.zip"), (zip_of, "s.tar")])
def test_every_kind_of_archive_unpacks_without_its_top_folder(tmp_path, pack, name):
    unpack(pack(tmp_path / name, FILES), tmp_path / "data")
    assert content(tmp_path / "data") == PLAIN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", name]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_an_archive_without_a_top_folder_unpacks_as_it_is(tmp_path, pack):
    unpack(pack(tmp_path / "s", PLAIN), tmp_path / "data")
    assert content(tmp_path / "data") == PLAIN


def test_a_single_file_is_not_a_top_folder(tmp_path):
    unpack(zip_of(tmp_path / "s", {"a.txt": b"a"}), tmp_path / "data")
    assert content(tmp_path / "data") == {"a.txt": b"a"}


def test_files_that_systems_add_are_left_out(tmp_path):
    litter = {"__MACOSX/set/._a.txt": b"x", ".DS_Store": b"x", "set/deep/.DS_Store": b"x"}
    unpack(zip_of(tmp_path / "s", FILES | litter), tmp_path / "data")
    assert content(tmp_path / "data") == PLAIN


def test_folders_and_detours_in_names_are_harmless(tmp_path):
    files = {"./set/": b"", "./set/a.txt": b"a", "set//deep/b.txt": b"b", "set\\c.txt": b"c"}
    unpack(zip_of(tmp_path / "s", files), tmp_path / "data")
    assert content(tmp_path / "data") == {"a.txt": b"a", "deep/b.txt": b"b", "c.txt": b"c"}


def test_an_existing_folder_is_never_unpacked_into(tmp_path):
    archive = zip_of(tmp_path / "s.zip", FILES)
    (tmp_path / "set").mkdir()
    assert_refused(archive, "set exists: remove it to unpack")


@pytest.mark.parametrize("pack", [zip_of, tar_of, tgz_of])
@pytest.mark.parametrize("name", ["../evil", "set/../../evil", "/tmp/evil", "C:/evil", "..\\evil", "\\evil", "set/.."])
def test_a_member_that_leads_out_is_refused(tmp_path, pack, name):
    archive = pack(tmp_path / "s.zip", {"set/a.txt": b"a", name: b"x"})
    assert_refused(archive, "its member .* leads out of the archive: it was not unpacked")
    assert not (tmp_path.parent / "evil").exists()


def test_links_in_a_zip_are_refused(tmp_path):
    archive = zip_of(tmp_path / "s.zip", {"set/l": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert_refused(archive, "its member set/l is a link")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_refused(tmp_path, kind):
    archive = tar_of(tmp_path / "s.tar", {"set/l": b""}, type=kind, linkname="../../evil")
    assert_refused(archive, "its member set/l is a link")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_in_a_tar_are_refused(tmp_path, kind):
    assert_refused(tar_of(tmp_path / "s.tar", {"set/d": b""}, type=kind), "is neither a file nor a folder")


def test_devices_in_a_zip_are_refused(tmp_path):
    archive = zip_of(tmp_path / "s.zip", {"set/d": b""}, external_attr=(stat.S_IFCHR | 0o666) << 16)
    assert_refused(archive, "is neither a file nor a folder")


def test_encrypted_members_are_refused(tmp_path):
    archive = zip_of(tmp_path / "s.zip", {"set/a": b"a"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert_refused(archive, "its member set/a is encrypted")


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_two_members_with_the_same_name_are_refused(tmp_path, names):
    archive = tmp_path / "s.tar"
    with tarfile.open(archive, "w") as file:
        for name in names:
            file.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert_refused(archive, "has the same name as another one")


@pytest.mark.parametrize("pack", [zip_of, tgz_of])
def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(module, "SMALL", 2**20)
    written = []
    copy = module.shutil.copyfileobj

    def watched(source, target, size):
        try:
            copy(source, target, size)
        finally:
            written.append(target.tell())

    monkeypatch.setattr(module.shutil, "copyfileobj", watched)
    archive = pack(tmp_path / "s", {"set/zeros": bytes(30 * 2**20)})
    assert archive.stat().st_size < 2**16
    assert_refused(archive, "unpacks to more than 100 times its packed size")
    assert max(written, default=0) <= 8 * 2**20


def test_a_bomb_among_much_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 2**20)
    files = {"set/noise": os.urandom(2**20), "set/zeros": bytes(8 * 2**20)}
    assert_refused(zip_of(tmp_path / "s", files), "its member set/zeros unpacks to more than 100 times")


def test_a_bomb_in_a_member_that_is_left_out_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 2**20)
    archive = tgz_of(tmp_path / "s", {"__MACOSX/zeros": bytes(30 * 2**20), "set/a": b"a"})
    assert_refused(archive, "unpacks to more than 100 times")


REAL_SIZE = 3 * 2**30


def sparse_gnu(real_size):
    """An old GNU sparse member without stored data: its header says where data is, and the real size."""
    info = tarfile.TarInfo("set/big.bin")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0" % real_size + b"%011o\0" % 0
    header[483:495] = tarfile.itn(real_size, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    return bytes(header)


def sparse_pax(real_size):
    """A sparse member of PAX format 1.0: the map comes before the data, here empty."""
    info = tarfile.TarInfo("set/GNUSparseFile.0/big.bin")
    table = f"1\n{real_size}\n0\n".encode().ljust(tarfile.BLOCKSIZE, b"\0")
    info.size = len(table)
    names = {"major": "1", "minor": "0", "name": "set/big.bin", "realsize": str(real_size)}
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in names.items()}
    return info.tobuf(tarfile.PAX_FORMAT) + table


@pytest.mark.parametrize("member", [sparse_gnu, sparse_pax])
def test_a_sparse_file_counts_with_its_real_size(tmp_path, member):
    archive = tmp_path / "s.tar"
    archive.write_bytes(member(REAL_SIZE) + bytes(2 * tarfile.BLOCKSIZE))
    with tarfile.open(archive) as file:
        (info,) = file
        assert (info.issparse(), info.size) == (True, REAL_SIZE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # not a byte may be written
    try:
        assert_refused(archive, "unpacks to more than 100 times its packed size")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("member", [sparse_gnu, sparse_pax])
def test_a_sparse_file_of_a_usual_size_is_unpacked(tmp_path, member):
    (tmp_path / "s.tar").write_bytes(member(1000) + bytes(2 * tarfile.BLOCKSIZE))
    unpack(tmp_path / "s.tar", tmp_path / "data")
    assert content(tmp_path / "data") == {"big.bin": bytes(1000)}


@pytest.mark.parametrize("member", [sparse_gnu, sparse_pax])
def test_a_negative_size_takes_nothing_from_the_count(tmp_path, member):
    archive = tmp_path / "s.tar"
    archive.write_bytes(member(-REAL_SIZE) + member(REAL_SIZE) + bytes(2 * tarfile.BLOCKSIZE))
    assert_refused(archive, "its member set/big.bin has a negative size")


@pytest.mark.parametrize("pack", [zip_of, tar_of, tgz_of])
def test_a_name_that_no_file_system_takes_is_reported_as_one(tmp_path, pack):
    archive = pack(tmp_path / "s", {"set/a": b"a", f"set/{'ü' * 128}.png": b"b"})
    assert_refused(archive, r"its member set/ü{76}\.\.\. has a name of 260 bytes, and a file system takes 255")
    archive = pack(tmp_path / "s", {"set/a": b"a", f"set/{'b' * 251}.png": b"b"})
    unpack(archive, tmp_path / "data")
    assert len(list((tmp_path / "data").iterdir())) == 2


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_a_path_that_no_file_system_takes_is_reported_as_one(tmp_path, pack):
    archive = pack(tmp_path / "s", {"/".join(["set", *["a" * 200] * 21]): b"a"})
    assert_refused(archive, r"has a name or a path that is too long for the file system")


def test_small_files_may_compress_by_any_ratio(tmp_path):
    unpack(zip_of(tmp_path / "s", {"set/mask.bmp": bytes(2**21)}), tmp_path / "data")
    assert (tmp_path / "data/mask.bmp").stat().st_size == 2**21


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_too_many_members_or_bytes_are_refused(tmp_path, monkeypatch, pack):
    archive = pack(tmp_path / "s", FILES | {"set/large": os.urandom(200_000)})
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    assert_refused(archive, "has more than 3 members")
    monkeypatch.setattr(module, "MAX_MEMBERS", 4)
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    assert_refused(archive, "unpacks to more than 100,000 bytes")


def test_a_header_that_lies_about_the_size_is_refused(tmp_path):
    archive = zip_of(tmp_path / "s.zip", {"set/a": b"a" * 10_000})
    data = bytearray(archive.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    archive.write_bytes(data)
    assert_refused(archive, "is damaged or neither zip nor tar")


@pytest.mark.parametrize(
    "data", [b"", b"<html>sign in</html>", b"\x1f\x8b\x08", gzip.compress(b"no tar", mtime=0), b"PK\x03\x04"]
)
def test_a_file_that_is_not_an_archive_is_reported(tmp_path, data):
    archive = tmp_path / "s.zip"
    archive.write_bytes(data)
    assert_refused(archive, "is damaged or neither zip nor tar .*: delete it and get it again")


@pytest.mark.parametrize("pack", [zip_of, tar_of, tgz_of])
def test_a_truncated_archive_is_reported(tmp_path, pack):
    archive = pack(tmp_path / "s", {"set/a": os.urandom(50_000), "set/b": os.urandom(50_000)})
    archive.write_bytes(archive.read_bytes()[:70_000])
    assert_refused(archive, "is damaged")


def test_a_flipped_byte_is_reported(tmp_path):
    archive = zip_of(tmp_path / "s", {"set/a": os.urandom(50_000)})
    data = bytearray(archive.read_bytes())
    data[25_000] ^= 1
    archive.write_bytes(data)
    assert_refused(archive, "is damaged")


@pytest.mark.parametrize("files", [{}, {"__MACOSX/a": b"x"}])
def test_an_archive_without_files_is_reported(tmp_path, files):
    assert_refused(zip_of(tmp_path / "s.zip", files), "holds no files")
