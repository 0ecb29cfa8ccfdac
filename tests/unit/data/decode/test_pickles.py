"""Pickled arrays: read whichever program wrote them, and no code in a pickle is ever run."""

import builtins
import os
import pickle
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest

from uscl.data.decode.pickles import load_arrays
from uscl.data.decode.video import BadMedia

ARRAYS = (
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    np.asfortranarray(np.linspace(0, 1, 6).reshape(2, 3)),
    np.arange(5).astype(">i4"),
    np.zeros((0, 3), np.float32),
    np.array([True, False]),
)


def dump(path, content, protocol=4):
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def refused(path, reason):
    with pytest.raises(BadMedia, match=reason):
        load_arrays(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("container", [tuple, list])
def test_arrays_of_every_protocol_come_back(tmp_path, protocol, container):
    loaded = load_arrays(dump(tmp_path / "a.pkl", container(ARRAYS), protocol))
    assert len(loaded) == len(ARRAYS)
    for array, written in zip(loaded, ARRAYS, strict=True):
        np.testing.assert_array_equal(array, written)
        assert array.dtype == written.dtype


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_old_numpy_wrote_under_other_names(tmp_path, protocol):
    data = pickle.dumps(ARRAYS[:2], protocol)
    old, new = b"numpy.core.multiarray", b"numpy._core.multiarray"
    if protocol == 4:  # names have their length in front
        old, new = bytes([0x8C, len(old)]) + old, bytes([0x8C, len(new)]) + new
    assert new in data
    data = data.replace(new, old)
    if protocol == 4:
        data = data[:2] + data[2:3] + struct.pack("<Q", len(data) - 11) + data[11:]
    (tmp_path / "a.pkl").write_bytes(data)
    np.testing.assert_array_equal(load_arrays(tmp_path / "a.pkl")[0], ARRAYS[0])


def test_lists_of_numbers_count_as_arrays(tmp_path):
    loaded = load_arrays(dump(tmp_path / "a.pkl", ([1, 2, 3], [np.int64(4), np.float32(0.5)], (True,), [])))
    assert [part.tolist() for part in loaded] == [[1, 2, 3], [4, 0.5], [True], []]


def peak_of_refusal(path, reason):
    """The most memory that reading a refused file takes, in bytes."""
    tracemalloc.start()
    try:
        refused(path, reason)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_list_that_is_named_very_often_is_refused_before_it_is_copied(tmp_path):
    numbers = list(range(256)) * 100
    path = dump(tmp_path / "a.pkl", [numbers] * 100_000)
    assert path.stat().st_size < 400_000
    assert peak_of_refusal(path, r"^holds 100000 arrays; at most 100 are read$") < 5_000_000


def test_a_list_that_is_named_twice_is_copied_once(tmp_path):
    numbers = [1.5, 2.5]
    first, second = load_arrays(dump(tmp_path / "a.pkl", (numbers, numbers)))
    assert first is second
    assert first.tolist() == numbers


def test_a_text_that_is_named_very_often_is_encoded_once(tmp_path):
    """As Python 2 wrote the bytes of an array; each of 1,000 arrays names the same megabyte."""
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    state = b"(I1\n(I1048576\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntRI00\ng0\ntb"
    text = b"X" + struct.pack("<I", 2**20) + b"a" * 2**20 + b"p0\n0"
    (tmp_path / "a.pkl").write_bytes(text + b"(" + (array + state) * 1000 + b"t.")
    assert peak_of_refusal(tmp_path / "a.pkl", "^holds 1000 arrays") < 20 * 2**20


class Call:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, exec, subprocess.check_output, builtins.getattr])
def test_nothing_is_run(tmp_path, protocol, function):
    victim = tmp_path / "victim"
    text = f"touch {victim}" if function is os.system else f"open({str(victim)!r}, 'w')"
    for content in (Call(function, text), (*ARRAYS, Call(function, text)), [{"a": Call(function, text)}]):
        refused(dump(tmp_path / "a.pkl", content, protocol), r"names \S+, which a file of arrays does not need")
        assert not victim.exists()


def test_the_name_that_a_pickle_asks_for_is_reported(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    refused(tmp_path / "a.pkl", r"^names os\.system, which a file of arrays does not need: it was not loaded$")
    (tmp_path / "a.pkl").write_bytes(b"c" + b"a" * 500 + b"\n\x07\n(tR.")
    refused(tmp_path / "a.pkl", r"^names a{80}, which")


@pytest.mark.parametrize(
    "name",
    ["numpy\nload", "numpy\nfromfile", "numpy\nmemmap", "numpy.core.multiarray\n_dtype", "_codecs\ndecode"],
)
def test_other_functions_of_the_same_modules_are_refused(tmp_path, name):
    (tmp_path / "a.pkl").write_bytes(f"c{name}\n(S'x'\ntR.".encode())
    refused(tmp_path / "a.pkl", r"^names \S+, which")


@pytest.mark.parametrize(
    "program",
    [
        b"cnumpy.core.multiarray\n_reconstruct\n}S'__defaults__'\nNsb.",  # changes a function
        b"cnumpy.core.multiarray\n_reconstruct\n(N}S'__code__'\nNstb.",
        b"cnumpy\ndtype\n}S'x'\nNsb.",
        b"cnumpy\nndarray\n((I100000000000\ntS'u1'\ntR.",  # an array without bytes
        b"cnumpy\nndarray\n(I5\nt\x81.",
        b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI63\ntb.",  # numbers declared as objects
        b"cnumpy\ndtype\n(S'V9'\nI0\nI1\ntR.",
        b"cnumpy\ndtype\n(S'M8'\nI0\nI1\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"c__builtin__\nbytes\n(I99999999999\ntR.",
        b"I1\n.",
        b"}.",
    ],
)
def test_forged_descriptions_are_refused(tmp_path, program):
    (tmp_path / "a.pkl").write_bytes(program)
    refused(tmp_path / "a.pkl", r"^(not a pickle of arrays|holds )")
    np.testing.assert_array_equal(load_arrays(dump(tmp_path / "b.pkl", ARRAYS[:1]))[0], ARRAYS[0])


def test_objects_text_and_nested_lists_are_refused(tmp_path):
    for part in (np.array([1, "a"], object), np.array(["a"]), "text", [[1], [2]], ["a"], {"a": 1}, None, [10**400]):
        refused(dump(tmp_path / "a.pkl", (ARRAYS[0], part)), r"^holds (arrays of|something other than)")
    refused(dump(tmp_path / "a.pkl", np.array([(1, 2)], [("a", int), ("b", int)])), "something other than numbers")


@pytest.mark.parametrize("shape", [(2, 3, 5), (-1, 24), (-2, -12), (24.0,), (1 << 62, 4), "24"])
def test_a_shape_that_lies_is_refused(tmp_path, shape):
    rebuild, arguments, state = np.arange(24, dtype=np.uint8).__reduce__()

    class Liar:
        def __reduce__(self):
            return rebuild, arguments, (state[0], shape, *state[2:])

    refused(dump(tmp_path / "a.pkl", (Liar(),)), r"^not a pickle of arrays, or a damaged one$")


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_cut_pickle_is_refused(tmp_path, protocol):
    data = pickle.dumps(ARRAYS, protocol)
    (tmp_path / "a.pkl").touch()
    refused(tmp_path / "a.pkl", r"^empty file \(0 bytes\)$")
    for keep in range(1, len(data), 7):
        (tmp_path / "a.pkl").write_bytes(data[:keep])
        refused(tmp_path / "a.pkl", r"^truncated: the end|^not a pickle of arrays, or a damaged one$")


def test_damage_anywhere_is_a_reason_or_is_harmless(tmp_path):
    data = pickle.dumps(ARRAYS, 4)
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(500):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        (tmp_path / "a.pkl").write_bytes(damaged)
        try:
            outcomes.add(len(load_arrays(tmp_path / "a.pkl")))
        except BadMedia as error:
            outcomes.add(str(error).split(" ")[0])
    assert {len(ARRAYS), "not", "names"} <= outcomes


def test_a_length_that_lies_takes_no_memory(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 45) + b"abc")
    tracemalloc.start()
    refused(tmp_path / "a.pkl", "^truncated|^not a pickle")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
