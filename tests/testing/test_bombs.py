"""The bombs that the suites feed are small, and real."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

import pytest
import zstandard

from cachekit.testing.bombs import SIZE, bombs

STEP = 2**22
Reader = Callable[[bytes], Iterator[bytes]]


def inflated(bits: int) -> Reader:
    def read(data: bytes) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(bits)
        while not unpacker.eof:
            yield unpacker.decompress(data, STEP)
            data = unpacker.unconsumed_tail
        assert not unpacker.unused_data

    return read


def streamed(make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> Reader:
    def read(data: bytes) -> Iterator[bytes]:
        unpacker = make()
        while not unpacker.eof:
            yield unpacker.decompress(data, STEP)
            data = b""
        assert not unpacker.unused_data

    return read


def zstd(data: bytes) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(data) as reader:
        while made := reader.read(STEP):
            yield made


READERS: dict[str, Reader] = {
    "zlib": inflated(zlib.MAX_WBITS),
    "gzip": inflated(16 + zlib.MAX_WBITS),
    "deflate": inflated(-zlib.MAX_WBITS),
    "bz2": streamed(bz2.BZ2Decompressor),
    "xz": streamed(lzma.LZMADecompressor),
    "zstd": zstd,
    "zstd that says nothing of its size": zstd,
}
BOMBS = {name.removeprefix("1 GiB as "): data for name, data in bombs()}
NESTED = [name for name in BOMBS if " in " in name]


def begins(name: str) -> bytes:
    """The first bytes that the bomb of this name becomes."""
    return next(READERS[name](BOMBS[name]))


def test_they_are_small() -> None:
    assert max(map(len, BOMBS.values())) < 1_100_000


@pytest.mark.parametrize("name", READERS)
def test_each_becomes_zeros(name: str) -> None:
    made = begins(name)
    assert made == bytes(len(made))
    assert len(made) > 2**17


@pytest.mark.parametrize("name", NESTED)
def test_what_holds_another_holds_it_as_it_is(name: str) -> None:
    inner, outer = name.rsplit(" in ", 1)
    assert b"".join(READERS[outer](BOMBS[name])) == BOMBS[inner]


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_each_is_whole_and_becomes_1_gib(name: str) -> None:
    assert sum(len(made) for made in READERS[name](BOMBS[name])) == SIZE
