"""Steps that are wrong in one way each, and what their authors would run on them.

`test_steps` runs this file, and says which tests must fail.
"""

import base64
import bz2
import gzip
import lzma
import os
import pickle
import time
import zlib
from typing import Any

import pytest
import zstandard

from cachekit.errors import UnreadableError
from cachekit.testing.steps import StepSuite


class Honest:
    """Right, for want of a lie: zlib."""

    id = "honest"

    def encode(self, data: bytes, context: bytes) -> bytes:
        return zlib.compress(data)

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        unpacker = zlib.decompressobj()
        try:
            made = unpacker.decompress(data, limit + 1)
        except zlib.error as error:
            raise UnreadableError(str(error)) from error
        if len(made) > limit or not unpacker.eof or unpacker.unused_data:
            raise UnreadableError(f"not {limit} bytes at most")
        return made


class IsCalledTooMuch(Honest):
    id = "two+" + "n" * 33


class HashesItsName(Honest):
    id = f"h{hash('name')}"


class CountsItsBytes(Honest):
    id = ""  # its class has one, so that pytest can name it

    def __init__(self) -> None:
        self._count = 0

    def encode(self, data: bytes, context: bytes) -> bytes:
        self._count += 1
        self.id = f"honest{self._count}"
        return super().encode(data, context)


class ReturnsWhatItFilled(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> Any:
        return bytearray(super().decode(data, context, limit))


class WritesText(Honest):
    def encode(self, data: bytes, context: bytes) -> bytes:
        return base64.b64encode(super().encode(data, context))

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return super().decode(base64.b64decode(data), context, limit)


class StripsZeros(Honest):
    def encode(self, data: bytes, context: bytes) -> bytes:
        return super().encode(data.rstrip(b"\0"), context)


class SharesABuffer(Honest):
    def __init__(self) -> None:
        self._buffer = bytearray()

    def encode(self, data: bytes, context: bytes) -> bytes:
        self._buffer.clear()
        for at in range(0, len(data), 100):
            self._buffer += data[at : at + 100]
            time.sleep(0)  # another thread's turn
        return super().encode(bytes(self._buffer), context)


class KnowsNoLimit(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return super().decode(data, context, 10_000_000)


class CutsAtTheLimit(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return super().decode(data, context, 10_000_000)[:limit]


class StopsBeforeTheLimit(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return super().decode(data, context, limit - 1 if limit > 100 else limit)


class LooksAfterwards(Honest):
    """In a format that nobody else has."""

    def encode(self, data: bytes, context: bytes) -> bytes:
        return bytes(byte ^ 0x55 for byte in zlib.compress(data))

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        try:
            made = zlib.decompress(bytes(byte ^ 0x55 for byte in data))
        except zlib.error as error:
            raise UnreadableError(str(error)) from error
        if len(made) > limit:
            raise UnreadableError("too much")
        return made


class Expands(Honest):
    """Whatever it is, and everything that it is."""

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if len(data) > 100:
            self.expand(data)
        return super().decode(data, context, limit)

    def expand(self, data: bytes) -> bytes:
        return b""


class ExpandsZlib(Expands):
    def expand(self, data: bytes) -> bytes:
        return zlib.decompress(data) if data[:2] == b"\x78\xda" else b""


class ExpandsDeflate(Expands):
    def expand(self, data: bytes) -> bytes:
        return zlib.decompress(data, -15) if data[:1] in b"\xec\xed" else b""


class ExpandsGzip(Expands):
    def expand(self, data: bytes) -> bytes:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else b""


class ExpandsBz2(Expands):
    def expand(self, data: bytes) -> bytes:
        return bz2.decompress(data) if data[:3] == b"BZh" else b""


class ExpandsXz(Expands):
    def expand(self, data: bytes) -> bytes:
        return lzma.decompress(data) if data[:2] == b"\xfd7" else b""


class ExpandsZstd(Expands):
    """As python-zstandard lets one do it: the maximum counts where no size is declared."""

    def expand(self, data: bytes) -> bytes:
        if data[:4] != b"\x28\xb5\x2f\xfd":
            return b""
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=1000)


class ExpandsBehindAByte(Expands):
    def expand(self, data: bytes) -> bytes:
        return gzip.decompress(data[1:]) if data[1:3] == b"\x1f\x8b" else b""


class BelievesLengths(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if data[:1] == b"\xc6":
            bytearray(int.from_bytes(data[1:5], "big"))
        return super().decode(data, context, limit)


class Recurses(Honest):
    """Crashes where a C parser without a limit would."""

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if data.startswith(b"\x91" * 10_000):
            os.abort()
        return super().decode(data, context, limit)


class CountsTo(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        while data[:1] == b"\xc1":
            pass
        return super().decode(data, context, limit)


class Exits(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if not data:
            raise SystemExit
        return super().decode(data, context, limit)


class ReadsHalf(Honest):
    """Raises other errors than it promises."""

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        return zlib.decompress(data[:-1]) if data[-1:] == b"\xff" else zlib.decompress(data)


class Guesses(Honest):
    """Takes what it cannot read for data."""

    def decode(self, data: bytes, context: bytes, limit: int) -> Any:
        try:
            return super().decode(data, context, limit)
        except UnreadableError:
            if data[:1] != b"\x78":
                return None
            raise


class Pickles(Honest):
    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        if data[:1] == b"\x80" and data[-1:] == b".":
            pickle.loads(data)
        return super().decode(data, context, limit)


def liars(base: type[Any]) -> list[type[Any]]:
    """All that stand on `base`, themselves or by another."""
    kinds = base.__subclasses__()
    return [liar for kind in kinds for liar in (liars(kind) if kind is Expands else [kind])]


class TestLiars(StepSuite):
    guards = False
    hides = False
    unreadable = UnreadableError

    @pytest.fixture(params=liars(Honest), ids=lambda liar: liar.__name__)
    def step(self, request: pytest.FixtureRequest) -> Honest:
        made: Honest = request.param()
        return made


class TestHanging(StepSuite):
    guards = False
    hides = False
    seconds = 0.5

    @pytest.fixture(params=[CountsTo], ids=["CountsTo"])
    def step(self) -> Honest:
        return CountsTo()


class TestHonest(StepSuite):
    guards = False
    hides = False
    unreadable = UnreadableError

    @pytest.fixture
    def step(self) -> Honest:
        return Honest()
