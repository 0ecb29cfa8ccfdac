"""Ways to damage a file: each takes its bytes and a stream of random numbers, and returns the damaged bytes."""

from collections.abc import Callable
from random import Random

EXTREMES = (
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x01\x00\x00\x00",
)
HEAD = 512  # bytes at the beginning, where most formats say how to read the rest


def place(data: bytes, random: Random) -> int:
    """A position in the file, half of the time in its head."""
    return random.randrange(min(len(data), HEAD) if random.random() < 0.5 else len(data))


def stretch(data: bytes, random: Random) -> tuple[int, int]:
    """Start and end of a piece, usually a short one."""
    start = place(data, random)
    return start, min(len(data), start + int(2 ** random.uniform(0, 12)))


def bit_flips(data: bytes, other: bytes, random: Random) -> bytes:
    """Flip 1 to 64 bits."""
    damaged = bytearray(data)
    for _ in range(int(2 ** random.uniform(0, 6))):
        damaged[place(data, random)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def random_bytes(data: bytes, other: bytes, random: Random) -> bytes:
    """Overwrite a piece with noise."""
    start, end = stretch(data, random)
    return data[:start] + random.randbytes(end - start) + data[end:]


def one_value(data: bytes, other: bytes, random: Random) -> bytes:
    """Overwrite a piece with one value, as a bad disk does."""
    start, end = stretch(data, random)
    return data[:start] + random.choice((b"\x00", b"\xff")) * (end - start) + data[end:]


def extreme_numbers(data: bytes, other: bytes, random: Random) -> bytes:
    """Overwrite 1 to 8 positions with the largest, smallest and negative four-byte numbers."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 8)):
        start = place(data, random)
        damaged[start : start + 4] = random.choice(EXTREMES)[: len(data) - start]
    return bytes(damaged)


def cut_short(data: bytes, other: bytes, random: Random) -> bytes:
    """Remove the end."""
    return data[: random.randrange(len(data))]


def insertion(data: bytes, other: bytes, random: Random) -> bytes:
    """Insert noise between two bytes."""
    start, end = stretch(data, random)
    return data[:start] + random.randbytes(end - start) + data[start:]


def deletion(data: bytes, other: bytes, random: Random) -> bytes:
    """Remove a piece."""
    start, end = stretch(data, random)
    return data[:start] + data[end:]


def repetition(data: bytes, other: bytes, random: Random) -> bytes:
    """Repeat a piece many times."""
    start, end = stretch(data, random)
    return data[:start] + data[start:end] * random.randint(2, 20) + data[end:]


def exchange(data: bytes, other: bytes, random: Random) -> bytes:
    """Swap two pieces."""
    first, second = sorted((place(data, random), place(data, random)))
    length = random.randint(0, max(0, min(second - first, len(data) - second)))
    early, late = data[first : first + length], data[second : second + length]
    return data[:first] + late + data[first + length : second] + early + data[second + length :]


def foreign_head(data: bytes, other: bytes, random: Random) -> bytes:
    """Replace the beginning with that of a file in another format."""
    length = int(2 ** random.uniform(2, 9))
    return other[:length] + data[length:]


def foreign_end(data: bytes, other: bytes, random: Random) -> bytes:
    """Replace the end with that of a file in another format."""
    return data[: random.randrange(len(data))] + other[random.randrange(len(other)) :]


MUTATIONS: dict[str, Callable[[bytes, bytes, Random], bytes]] = {
    mutation.__name__.replace("_", " "): mutation
    for mutation in (
        *(bit_flips, random_bytes, one_value, extreme_numbers, cut_short, insertion),
        *(deletion, repetition, exchange, foreign_head, foreign_end),
    )
}
