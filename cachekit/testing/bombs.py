"""A few bytes that become 1 GiB of zeros for whoever unpacks them without a limit.

None of them is made by packing 1 GiB: what a format repeats for each piece of its input is made
once and put there as often as it takes, with the lengths and checksums that belong around it.
"""

import bz2
import lzma
import zlib
from functools import cache, partial
from typing import Final

from cachekit.testing.hostile import Named

SIZE: Final = 2**30
"""How many bytes each of them becomes."""

_CRC: Final = 0x5B64C2B0
"""The CRC-32 of `SIZE` zeros."""

_FULL: Final = partial(zlib.compress, level=9)


@cache
def bombs() -> tuple[Named, ...]:
    """One of each format, and some that hold another."""
    plain: dict[str, bytes] = {
        "zlib": _zlib(),
        "gzip": _gzip(),
        "deflate": _deflate(),
        "bz2": _bz2(),
        "xz": _xz(),
        "zstd": _zstd(b"\xe0" + SIZE.to_bytes(8, "little")),
        "zstd that says nothing of its size": _zstd(b"\0\x58"),
        "zstd that claims to be 100 bytes": _zstd(b"\x20\x64"),
        "zstd that claims to be 100 bytes and wants a window of 2 GiB": _zstd(
            b"\xc0\xa8" + (100).to_bytes(8, "little")
        ),
    }
    nested = {
        "zlib in zlib": _FULL(plain["zlib"]),
        "gzip in gzip": _gzipped(plain["gzip"]),
        "gzip in gzip in gzip": _gzipped(_gzipped(plain["gzip"])),
        "bz2 in bz2": bz2.compress(plain["bz2"]),
        "xz in xz": lzma.compress(plain["xz"], preset=0),
        "gzip in bz2": bz2.compress(plain["gzip"]),
    }
    return tuple((f"1 GiB as {name}", data) for name, data in (plain | nested).items())


def _deflate() -> bytes:
    """RFC 1951: blocks that end at a byte and look back to nothing, then an empty one."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * (SIZE >> 20) + b"\x03\0"


def _zlib() -> bytes:
    """RFC 1950: the Adler-32 of zeros is their number, and 1."""
    return b"\x78\xda" + _deflate() + (SIZE % 65521 << 16 | 1).to_bytes(4, "big")


def _gzip() -> bytes:
    """RFC 1952."""
    ends = _CRC.to_bytes(4, "little") + SIZE.to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + _deflate() + ends


def _gzipped(data: bytes) -> bytes:
    return zlib.compress(data, 9, 16 + zlib.MAX_WBITS)


def _bz2() -> bytes:
    """The bits of one block of 4 MiB, repeated; the checksum of all is made of those of each."""
    bits = "".join(f"{byte:08b}" for byte in bz2.compress(bytes(2**22), 1))
    block, times = bits[32 : bits.rindex(_BZ2_END)], SIZE >> 22
    one, check = int(block[48:80], 2), 0
    for _ in range(times):
        check = (check << 1 | check >> 31) & 0xFFFFFFFF ^ one
    whole = bits[:32] + block * times + _BZ2_END + f"{check:032b}"
    size = -(-len(whole) // 8)
    return int(whole.ljust(size * 8, "0"), 2).to_bytes(size, "big")


_BZ2_END: Final = f"{0x177245385090:048b}"


def _xz() -> bytes:
    """The .xz file format 1.1: one LZMA2 chunk of 1 MiB, repeated, with its index and footer."""
    made = lzma.compress(bytes(2**20), lzma.FORMAT_XZ, lzma.CHECK_NONE, preset=0)
    head, start = made[:12], made[12:24]
    chunk = made[24 : 24 + 6 + int.from_bytes(made[27:29], "big") + 1]
    block = start + chunk * (SIZE >> 20) + b"\0"
    index = _padded(b"\0\x01" + _varint(len(block)) + _varint(SIZE))
    index += zlib.crc32(index).to_bytes(4, "little")
    tail = (len(index) // 4 - 1).to_bytes(4, "little") + made[6:8]
    return head + _padded(block) + index + zlib.crc32(tail).to_bytes(4, "little") + tail + b"YZ"


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _varint(number: int) -> bytes:
    parts = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes(part | 0x80 for part in parts[:-1]) + bytes(parts[-1:])


def _zstd(head: bytes) -> bytes:
    """RFC 8878: blocks that say 128 KiB of one byte, in a frame with this header."""
    block = (2**17 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (2**17 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd" + head + block * ((SIZE >> 17) - 1) + last
