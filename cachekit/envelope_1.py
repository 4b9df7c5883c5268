"""What came after the tags in format 1, which is still read.

    size  what
    8     ttl, float64 seconds, inf: none
    8     stale while revalidate, float64 seconds after that
    8     stale if error, float64 seconds after that
    4     load time, float32 seconds
    2     how many of the tags were declared; they come first
    1+n   schema fingerprint
    1+n   codec id
    1+n   revision: the version of the function
    4+n   the key itself
    4+n   payload
    4     CRC-32 of all before

Of stubs, passes and tag records times and payload are zero and empty.
"""

import struct
from typing import Final

from cachekit.entry import Entry, Kind

FORMAT: Final = 1

_TIMES: Final = struct.Struct(">dddfH")
_BYTE: Final = struct.Struct(">B")
_LONG: Final = struct.Struct(">I")


def read_body(entry: Entry, key: bytes, data: bytes, at: int) -> None:
    """Takes what `data` has from `at` on into `entry`; raises `ValueError` if it is corrupt."""
    ttl, *windows, load_time, entry.declared = _TIMES.unpack_from(data, at)
    if entry.declared > len(entry.tags):
        raise ValueError(f"{entry.declared} declared of {len(entry.tags)} tags")
    entry.schema, at = take(data, at + _TIMES.size, _BYTE)
    codec, at = take(data, at, _BYTE)
    revision, at = take(data, at, _BYTE)
    entry.codec, entry.revision = codec.decode(), revision.decode()
    own, at = take(data, at, _LONG)
    if own != key:
        raise ValueError("another key's")
    payload, at = take(data, at, _LONG)
    if at != len(data):
        raise ValueError("length is off")
    if entry.kind is Kind.VALUE:
        entry.ttl, entry.load_time, entry.payload = ttl, load_time, payload
        entry.stale_while_revalidate, entry.stale_if_error = windows


def take(data: bytes, at: int, length: struct.Struct) -> tuple[bytes, int]:
    """What follows its own length, and where it ends."""
    (size,) = length.unpack_from(data, at)
    start = at + length.size
    if start + size > len(data):
        raise ValueError("a length runs past the end")
    return data[start : start + size], start + size
