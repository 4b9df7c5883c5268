"""Entries as bytes, for stores that keep bytes.

    offset  size  what
    0       2     magic "ck"
    2       1     format (1)
    3       1     kind
    4       8     version, big-endian: always here, scripts compare it
    12      8     born, float64, seconds since the epoch
    20      2     number of tags; for each: u16 length, its key, u64 version
            -     (up to here the same in all formats)
            8     ttl, float64 seconds, inf: none
            4     load time, float32 seconds
            1+n   schema fingerprint
            1+n   codec id
            4+n   the key itself
            4+n   payload
            4     CRC-32 of all before

Of stubs, passes and tag records the fields after the tags are zero or empty; how long they live is
for the store's own expiry to say.
"""

import struct
import zlib
from math import inf
from typing import Final

from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.errors import UnreadableError

MAGIC: Final = b"ck"
FORMAT: Final = 1
VERSION_AT: Final = 4

_HEAD: Final = struct.Struct(">2sBBQdH")
_TAG: Final = struct.Struct(">H")
_TAG_VERSION: Final = struct.Struct(">Q")
_TIMES: Final = struct.Struct(">df")
_LONG: Final = struct.Struct(">I")


def pack(key: str, entry: Entry) -> bytes:
    """The bytes of `entry`, bound to `key`. A value needs its payload made first."""
    if entry.kind is Kind.VALUE and entry.payload is None:
        raise ValueError(f"the value under {key!r} was not encoded")
    head = _HEAD.pack(MAGIC, FORMAT, entry.kind, entry.version, entry.born, len(entry.tags))
    parts = [head]
    for tag, version in entry.tags.items():
        name = tag.encode()
        parts += [_TAG.pack(len(name)), name, _TAG_VERSION.pack(version)]
    parts.append(_TIMES.pack(inf if entry.ttl is None else entry.ttl, entry.load_time))
    for short in (entry.schema, entry.codec.encode()):
        parts += [bytes((len(short),)), short]
    for long in (key.encode(), entry.payload or b""):
        parts += [_LONG.pack(len(long)), long]
    body = b"".join(parts)
    return body + _LONG.pack(zlib.crc32(body))


def unpack(key: str, data: bytes, clock: Clock) -> Entry:
    """The entry in `data`. Raises `UnreadableError` if it is torn, corrupt or another key's."""
    try:
        return _unpack(key, data, clock)
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise UnreadableError(f"under {key!r}: {error}") from error


def _unpack(key: str, data: bytes, clock: Clock) -> Entry:
    if data[:2] != MAGIC or zlib.crc32(memoryview(data)[:-4]) != _LONG.unpack(data[-4:])[0]:
        raise ValueError("torn or corrupt")
    _, form, kind, version, born, count = _HEAD.unpack_from(data)
    at = _HEAD.size
    tags: dict[str, int] = {}
    for _ in range(count):
        name, at = _take(data, at, _TAG)
        tags[name.decode()] = _TAG_VERSION.unpack_from(data, at)[0]
        at += _TAG_VERSION.size
    entry = Entry(Kind(kind), version=version, tags=tags)
    entry.born = born
    if form != FORMAT:
        entry.codec = f"format {form}"
        return entry
    _read_body(entry, key, data, at, clock)
    return entry


def _read_body(entry: Entry, key: str, data: bytes, at: int, clock: Clock) -> None:
    ttl, entry.load_time = _TIMES.unpack_from(data, at)
    entry.schema, at = _take(data, at + _TIMES.size, _BYTE)
    codec, at = _take(data, at, _BYTE)
    entry.codec = codec.decode()
    own, at = _take(data, at, _LONG)
    if own != key.encode():
        raise ValueError("another key's")
    payload, at = _take(data, at, _LONG)
    if at != len(data) - 4:
        raise ValueError("length is off")
    if entry.kind is Kind.VALUE:
        entry.ttl = None if ttl == inf else ttl
        age = max(0.0, clock.time() - entry.born)
        entry.fresh_until = clock.monotonic() + ttl - age
        entry.payload = payload


_BYTE: Final = struct.Struct(">B")


def _take(data: bytes, at: int, length: struct.Struct) -> tuple[bytes, int]:
    (size,) = length.unpack_from(data, at)
    start = at + length.size
    if start + size > len(data):
        raise ValueError("a length runs past the end")
    return data[start : start + size], start + size
