import hashlib
import json
import multiprocessing
import shutil
import threading
import time
import zipfile
from pathlib import Path

import pytest
from file_server import cut, guarded, serving, status, whole

from uscl.base.errors import UserError
from uscl.data.sources.fetch import fetch

ADDRESS = "https://127.0.0.1:9/set.zip"
WITHOUT = "without it pocus can run: take busi out of `tasks`"


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("uscl.data.sources.resume.sleep", lambda seconds: None)


def archive(path, **files):
    """The bytes of a zip with a folder of files."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(f"top/{name}.txt", content)
    return path.read_bytes()


@pytest.fixture
def data(tmp_path):
    return archive(tmp_path / "made.zip", a="one", b="x" * 300_000)


def entry(sha256=None, size=None):
    return {
        "version": "v3",
        "files": [{"name": "set.zip", "urls": [ADDRESS], "size": size, "sha256": sha256}],
        "by_hand": "Ask its owners for set.zip.",
    }


def get(folder, mirror, given=None):
    return fetch("mine", given or entry(), folder, mirror=mirror, without=WITHOUT)


def names(folder):
    """What a user sees in a folder."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_an_existing_folder_is_used_as_it_is(tmp_path, server):
    (tmp_path / "Set").mkdir()
    record = get(tmp_path / "Set", server.url)
    assert record == {"set": "mine", "version": None, "folder": str(tmp_path / "Set"), "fetched": False, "files": []}
    assert server.asked == []
    assert list((tmp_path / "Set").iterdir()) == []


def test_a_set_is_downloaded_from_the_mirror_first_checked_and_unpacked(tmp_path, server, data):
    server.answers["/sets/set.zip"] = [whole(data)]
    folder = tmp_path / "new data" / "Set"
    record = get(folder, f"{server.url}/sets/", entry(sha256(data), len(data)))
    url = f"{server.url}/sets/set.zip"
    file = {"name": "set.zip", "url": url, "size": len(data), "sha256": sha256(data)}
    assert record == {"set": "mine", "version": "v3", "folder": str(folder), "fetched": True, "files": [file]}
    assert (folder / "a.txt").read_text() == "one"
    assert names(folder.parent) == ["Set", "checksums.json"]
    assert json.loads((folder.parent / "checksums.json").read_text()) == {"set.zip": sha256(data)}


def test_a_mirror_may_be_a_folder(tmp_path, data):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "set.zip").write_bytes(data)
    record = get(tmp_path / "data/Set", mirror.as_uri())
    assert record["files"][0]["url"] == f"{mirror.as_uri()}/set.zip"
    assert names(mirror) == ["set.zip"]


@pytest.mark.parametrize("mirror", ["ftp://host/sets", "/mnt/sets", "file://sets", "https:///sets", ""])
def test_other_kinds_of_mirrors_are_refused(tmp_path, mirror):
    with pytest.raises(UserError, match="Config: data_mirror must begin with https://, http:// or file:///"):
        get(tmp_path / "Set", mirror)


def test_a_mirror_may_ask_for_a_password_which_netrc_has_and_nothing_records(tmp_path, server, data, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter22secret\n")
    (tmp_path / "netrc").chmod(0o600)
    server.answers["/set.zip"] = [guarded(data, "me", "hunter22secret")]
    with pytest.raises(UserError, match="401"):
        get(tmp_path / "data/Set", server.url)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    get(tmp_path / "data/Set", server.url)
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(written) > 2
    assert not any(b"hunter22" in path.read_bytes() for path in written)


def test_a_redirect_with_a_token_is_named_without_the_token(tmp_path, server):
    server.answers["/set.zip"] = [status(302, Location="http://127.0.0.2/set.zip?X-Amz-Signature=hunter22secret")]
    with pytest.raises(UserError, match=r"redirects to http://127\.0\.0\.2/set\.zip") as error:
        get(tmp_path / "Set", server.url)
    assert "hunter22" not in str(error.value)


def test_if_no_address_is_left_one_sentence_says_everything(tmp_path, server):
    with pytest.raises(UserError) as error:
        get(tmp_path / "Set", server.url)
    assert str(error.value) == (
        f"Data set 'mine': set.zip can't be downloaded ({server.url}/set.zip: 404 Not Found; {ADDRESS}: no connection,"
        f" in each of 3 attempts): ask its owners for set.zip (expected in {tmp_path / 'Set'}), or place the archive as"
        f" {tmp_path / 'set.zip'}; {WITHOUT}."
    )
    assert names(tmp_path) == []


def test_a_set_without_archives_says_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"there is no folder .*Set: ask its owners for set\.zip"):
        get(tmp_path / "Set", None, entry() | {"files": []})


def test_a_broken_download_leaves_only_its_part_and_the_next_call_resumes(tmp_path, server, data):
    server.answers["/set.zip"] = [cut(data, 200_000), status(503)]
    with pytest.raises(UserError, match="503"):
        get(tmp_path / "Set", server.url)
    assert set(names(tmp_path)) == {"made.zip", "set.zip.part", "set.zip.part.json"}
    server.answers["/set.zip"] = [whole(data)]
    get(tmp_path / "Set", server.url)
    assert server.asked[-1][1].startswith("bytes=")
    assert names(tmp_path) == ["Set", "checksums.json", "made.zip"]


def test_a_later_download_that_differs_is_refused_with_both_hashes(tmp_path, server, data):
    server.answers["/set.zip"] = [whole(data)]
    get(tmp_path / "Set", server.url)
    other = archive(tmp_path / "made.zip", a="two")
    server.answers["/set.zip"] = [whole(other, etag='"v2"')]
    (tmp_path / "Set").rename(tmp_path / "Old")
    with pytest.raises(UserError) as error:
        get(tmp_path / "Set", server.url)
    assert f"its SHA-256 is {sha256(other)}, but {sha256(data)} is expected" in str(error.value)
    assert f"{tmp_path / 'checksums.json'} records {sha256(data)} for the first download: delete" in str(error.value)
    assert not (tmp_path / "Set").exists()
    (tmp_path / "checksums.json").write_text("{}")
    assert get(tmp_path / "Set", server.url)["files"][0]["sha256"] == sha256(other)


def test_the_registrys_hash_counts_more_than_the_first_downloads(tmp_path, server, data):
    (tmp_path / "checksums.json").write_text('{"set.zip": "0", "other.zip": "1"}')
    server.answers["/set.zip"] = [whole(data)]
    get(tmp_path / "Set", server.url, entry(sha256(data)))
    assert json.loads((tmp_path / "checksums.json").read_text()) == {"set.zip": sha256(data), "other.zip": "1"}


@pytest.mark.parametrize("text", ["{", "[1]", "3", "\xff"])
def test_a_damaged_record_is_reported(tmp_path, server, text):
    (tmp_path / "checksums.json").write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r"checksums\.json is damaged .*: delete it"):
        get(tmp_path / "Set", server.url)


def test_a_bad_archive_leaves_nothing_and_is_not_recorded(tmp_path, server):
    server.answers["/set.zip"] = [whole(b"no archive at all")]
    with pytest.raises(UserError, match=r"set\.zip is damaged or neither zip nor tar"):
        get(tmp_path / "Set", server.url)
    assert names(tmp_path) == []


def test_an_archive_that_the_user_placed_is_unpacked_and_kept(tmp_path, data):
    (tmp_path / "set.zip").write_bytes(data)
    record = get(tmp_path / "Set", None)
    assert record["fetched"]
    assert record["files"][0]["url"] == (tmp_path / "set.zip").as_uri()
    assert (tmp_path / "Set/a.txt").read_text() == "one"
    assert (tmp_path / "set.zip").exists()


def test_the_leftovers_of_a_killed_process_are_removed(tmp_path, server, data):
    (tmp_path / ".Set.123.partial/top").mkdir(parents=True)
    (tmp_path / ".Other.123.partial").mkdir()
    server.answers["/set.zip"] = [whole(data)]
    get(tmp_path / "Set", server.url)
    assert [path.name for path in tmp_path.glob(".*.partial")] == [".Other.123.partial"]


def test_a_path_in_the_way_is_named(tmp_path):
    (tmp_path / "Set").symlink_to(tmp_path / "unmounted")
    with pytest.raises(UserError, match="Set is a file or a broken link: remove it"):
        get(tmp_path / "Set", None)
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UserError, match=r"data: File exists: free some space, or set datasets\.mine\.data_root"):
        get(tmp_path / "data" / "Set", None)


def test_a_full_disk_is_reported(tmp_path, server, data, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", str(tmp_path / "Set"))

    monkeypatch.setattr("uscl.data.sources.fetch.unpack", full)
    server.answers["/set.zip"] = [whole(data)]
    with pytest.raises(UserError, match=r"can't be stored: .*Set: No space left on device: free some space"):
        get(tmp_path / "Set", server.url)
    assert not (tmp_path / "set.zip").exists()


def test_a_fetched_set_is_known_as_such_until_somebody_replaces_it(tmp_path, server, data):
    server.answers["/set.zip"] = [whole(data)]
    first = get(tmp_path / "Set", server.url)
    assert get(tmp_path / "Set", None) == first
    (tmp_path / "Set/.fetched.json").write_text("[")
    with pytest.raises(UserError, match=r"\.fetched\.json is damaged .*: delete it; the set then counts as"):
        get(tmp_path / "Set", None)
    shutil.rmtree(tmp_path / "Set")
    (tmp_path / "Set").mkdir()
    assert not get(tmp_path / "Set", None)["fetched"]


def in_child(folder, mirror, queue):
    queue.put(get(folder, mirror)["fetched"])


def test_two_processes_at_once_download_once(tmp_path, server, data):
    server.answers["/set.zip"] = [lambda handler: time.sleep(0.3) or whole(data)(handler)]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    children = [context.Process(target=in_child, args=(tmp_path / "Set", server.url, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=20) for _ in children] == [True, True]
    for child in children:
        child.join()
    assert len(server.asked) == 1
    assert (tmp_path / "Set/a.txt").read_text() == "one"


def test_threads_that_fetch_two_sets_record_both(tmp_path, server, data):
    server.answers |= {"/set.zip": [whole(data)], "/other.zip": [whole(data)]}
    other = entry()
    other["files"][0]["name"] = "other.zip"
    jobs = [("A", entry()), ("B", other), ("A", entry()), ("B", other)]
    threads = [threading.Thread(target=get, args=(Path(tmp_path / name), server.url, given)) for name, given in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads((tmp_path / "checksums.json").read_text())) == ["other.zip", "set.zip"]
    assert names(tmp_path) == ["A", "B", "checksums.json", "made.zip"]
