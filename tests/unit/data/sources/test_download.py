import hashlib
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from file_server import cut, rangeless, send, serving, silent, status, whole

from uscl.base.seeds import generator
from uscl.data.sources.download import NotHadError, download
from uscl.data.sources.resume import RefusedError, answer, retry_after

DATA = generator(0, "download").integers(0, 256, 700_000, dtype=np.uint8).tobytes()
SHA256 = hashlib.sha256(DATA).hexdigest()
SIZE = len(DATA)
NAME = "set.zip"
HALF = 400_000


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that would have been made; the test does not wait."""
    made = []
    monkeypatch.setattr("uscl.data.sources.resume.sleep", made.append)
    return made


def get(server, folder, *paths, sha256=SHA256, size=SIZE, **settings):
    urls = [f"{server.url}{path}" for path in paths or ["/a"]]
    return download(NAME, urls, sha256, size, folder, mirror=server.url, **settings)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_alone(server, tmp_path):
    server.answers["/a"] = [whole(DATA)]
    had = get(server, tmp_path / "new")
    assert had.path.read_bytes() == DATA
    assert had.url == f"{server.url}/a"
    assert names(tmp_path / "new") == [NAME]


def test_a_dropped_download_resumes_where_it_broke_off(server, tmp_path, pauses):
    server.answers["/a"] = [cut(DATA, HALF), whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA
    [(_, first), (_, second)] = server.asked
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= HALF
    assert pauses == [1.0]


def test_a_later_call_resumes_the_part_of_an_earlier_one(server, tmp_path):
    server.answers["/a"] = [cut(DATA, HALF)]
    with pytest.raises(NotHadError, match=r"the connection broke after [\d,]+ bytes, in each of 1 attempts"):
        get(server, tmp_path, attempts=1)
    assert names(tmp_path) == ["set.zip.part", "set.zip.part.json"]
    server.answers["/a"] = [whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA
    assert server.asked[-1][1] is not None
    assert names(tmp_path) == [NAME]


def test_a_server_that_ignores_ranges_sends_the_whole_file_again(server, tmp_path):
    server.answers["/a"] = [cut(DATA, HALF), rangeless(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA


def test_a_part_of_another_version_is_not_resumed(server, tmp_path):
    server.answers["/a"] = [cut(b"x" * len(DATA), HALF, etag='"v0"'), whole(DATA)]
    assert get(server, tmp_path, sha256=None).path.read_bytes() == DATA


def test_a_part_of_another_address_is_not_resumed(server, tmp_path):
    server.answers |= {"/a": [cut(b"x" * len(DATA), HALF)], "/b": [whole(DATA)]}
    assert get(server, tmp_path, "/a", "/b", sha256=None).path.read_bytes() == DATA
    assert server.asked[-1] == ("/b", None)


@pytest.mark.parametrize("etag", ['W/"v1"', ""])
def test_a_part_whose_version_is_uncertain_is_not_resumed(server, tmp_path, etag):
    server.answers["/a"] = [cut(DATA, HALF, etag=etag), whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA
    assert server.asked[-1] == ("/a", None)


@pytest.mark.parametrize("note", ["", "[]", '{"url": 3}'])
def test_a_damaged_note_restarts_the_download(server, tmp_path, note):
    server.answers["/a"] = [whole(DATA)]
    (tmp_path / "set.zip.part").write_bytes(b"x" * HALF)
    (tmp_path / "set.zip.part.json").write_text(note)
    assert get(server, tmp_path).path.read_bytes() == DATA


def test_a_part_as_long_as_the_file_is_fetched_again(server, tmp_path, pauses):
    server.answers["/a"] = [cut(DATA, HALF), status(416), whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA
    assert server.asked[-1] == ("/a", None)
    assert pauses == [1.0, 0]


def test_a_server_that_sends_another_part_is_asked_again(server, tmp_path):
    lie = {"Content-Range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}", "Content-Length": str(len(DATA) - 5)}
    server.answers["/a"] = [cut(DATA, HALF), lambda handler: send(handler, 206, lie, DATA[5:]), whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA


def test_a_partial_answer_that_ends_early_is_continued(server, tmp_path):
    def short(handler):
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        piece = DATA[start : start + 1000]
        headers = {"Content-Range": f"bytes {start}-{start + 999}/{len(DATA)}", "Content-Length": "1000"}
        send(handler, 206, headers, piece)

    server.answers["/a"] = [cut(DATA, HALF), short, whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA


def test_busy_servers_are_asked_again_after_growing_pauses(server, tmp_path, pauses):
    server.answers["/a"] = [status(503), status(500), whole(DATA)]
    assert get(server, tmp_path).path.read_bytes() == DATA
    assert pauses == [1.0, 4.0]


def test_the_pause_that_a_server_asks_for_is_made_up_to_a_minute(server, tmp_path, pauses):
    server.answers["/a"] = [status(429, Retry_After="7"), status(503, Retry_After="3600"), whole(DATA)]
    get(server, tmp_path)
    assert pauses == [7.0, 60.0]


def test_a_retry_date_is_understood():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert 30 < retry_after(soon) <= 40
    assert retry_after(format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)) == 0
    assert retry_after("Wed, 21 Oct 2015 07:28:00") is None


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_missing_file_is_requested_elsewhere_and_not_again(server, tmp_path, pauses, code):
    server.answers |= {"/a": [status(code)], "/b": [whole(DATA)]}
    assert get(server, tmp_path, "/a", "/b").url == f"{server.url}/b"
    assert [path for path, _ in server.asked] == ["/a", "/b"]
    assert pauses == []


def test_every_address_gives_its_reason(server, tmp_path):
    server.answers |= {"/b": [status(503)], "/c": [whole(DATA, kind="text/html; charset=utf-8")]}
    with pytest.raises(NotHadError) as error:
        get(server, tmp_path, "/a", "/b", "/c")
    assert str(error.value) == (
        f"{server.url}/a: 404 Not Found; {server.url}/b: 503 Service Unavailable, in each of 3 attempts;"
        f" {server.url}/c: it answers with a web page instead of the file"
    )


def test_another_hash_than_expected_deletes_the_part_and_goes_to_the_next_address(server, tmp_path):
    other = b"y" * len(DATA)
    server.answers |= {"/a": [whole(other)], "/b": [whole(DATA)]}
    assert get(server, tmp_path, "/a", "/b").path.read_bytes() == DATA
    with pytest.raises(
        NotHadError, match=rf"/a: its SHA-256 is {hashlib.sha256(other).hexdigest()}, but {SHA256} is expected"
    ):
        get(server, tmp_path / "else", "/a")
    assert names(tmp_path / "else") == []


def test_another_size_than_expected_is_refused(server, tmp_path):
    server.answers["/a"] = [whole(DATA[:-1])]
    with pytest.raises(NotHadError, match="its size is 699,999 bytes, but 700,000 are expected"):
        get(server, tmp_path, sha256=None)


def test_a_silent_server_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr("uscl.data.sources.resume.TIMEOUT_S", 0.05)
    server.answers["/a"] = [silent(0.5)]
    with pytest.raises(NotHadError, match=r"no answer within 0.05 s, in each of 2 attempts"):
        get(server, tmp_path, attempts=2)


def test_nobody_at_an_address_is_no_connection(tmp_path):
    with pytest.raises(NotHadError, match="no connection, in each of 3 attempts"):
        download(NAME, ["https://127.0.0.1:9/a"], None, None, tmp_path)


def test_a_connection_without_a_certificate_is_not_tried_again(server, tmp_path, pauses):
    https = server.url.replace("http", "https")
    with pytest.raises(NotHadError, match="its certificate was not accepted"):
        download(NAME, [f"{https}/a"], None, None, tmp_path)
    assert pauses == []


def test_http_is_only_for_the_users_own_mirror(server, tmp_path):
    server.answers["/sets/a"] = [whole(DATA)]
    for mirror in (None, f"{server.url}/other", f"{server.url}/set"):
        with pytest.raises(NotHadError, match="/sets/a: it is not an https address"):
            download(NAME, [f"{server.url}/sets/a"], SHA256, None, tmp_path, mirror=mirror)
    assert server.asked == []
    assert download(NAME, [f"{server.url}/sets/a"], SHA256, None, tmp_path, mirror=f"{server.url}/sets/").path.exists()


@pytest.mark.parametrize("target", ["http://localhost:{port}/b", "file:///etc/hostname", "ftp://127.0.0.1/b"])
def test_a_redirect_off_https_is_not_followed(server, tmp_path, target):
    target = target.format(port=server.server_address[1])
    server.answers |= {"/a": [status(302, Location=target)], "/b": [whole(DATA)]}
    with pytest.raises(NotHadError, match=f"it redirects to {target}, which is not an https address"):
        get(server, tmp_path)
    assert [path for path, _ in server.asked] == ["/a"]


def test_redirects_of_a_mirror_to_itself_are_followed_but_not_for_ever(server, tmp_path):
    server.answers |= {"/a": [status(302, Location="/b")], "/b": [whole(DATA)], "/c": [status(301, Location="/c")]}
    assert get(server, tmp_path).path.read_bytes() == DATA
    with pytest.raises(NotHadError, match="it redirects more than 10 times"):
        get(server, tmp_path / "c", "/c")


def test_a_redirect_off_https_is_refused_whatever_the_hop():
    class Session:
        def __init__(self):
            self.hops = ["https://b/", "http://c/", None]

        def get(self, url, **_):
            return self

        def get_redirect_target(self, response):
            return self.hops.pop(0)

        def close(self):
            pass

    with pytest.raises(RefusedError, match="redirects to http://c/"):
        answer(Session(), "https://a/", {}, None)


def test_a_file_address_is_copied_and_a_missing_one_named(tmp_path):
    source = tmp_path / "my sets, ü" / NAME
    source.parent.mkdir()
    source.write_bytes(DATA)
    had = download(NAME, [source.as_uri()], SHA256, len(DATA), tmp_path / "data")
    assert had.path.read_bytes() == DATA
    assert source.exists()
    with pytest.raises(NotHadError, match=r"gone\.zip: no such file"):
        download("b.zip", [(tmp_path / "gone.zip").as_uri()], None, None, tmp_path / "data")


def test_a_file_that_the_user_placed_is_checked_and_used(server, tmp_path):
    (tmp_path / NAME).write_bytes(DATA)
    assert get(server, tmp_path).url == (tmp_path / NAME).as_uri()
    assert server.asked == []
    with pytest.raises(NotHadError, match=r"set\.zip exists, but its SHA-256 .* delete it to download it again"):
        get(server, tmp_path, sha256="0" * 64)
    assert (tmp_path / NAME).read_bytes() == DATA


def test_the_log_shows_the_progress(server, tmp_path, caplog):
    server.answers["/a"] = [whole(DATA)]
    with caplog.at_level(logging.INFO):
        get(server, tmp_path)
    lines = [record.message for record in caplog.records if "of 0.7 MB" in record.message]
    assert 5 <= len(lines) <= 10
    assert lines[-1] == "set.zip: 0.7 of 0.7 MB"
