"""Entries as bytes, for stores that keep bytes.

    offset  size  what
    0       2     magic "ck"
    2       1     format (1)
    3       1     kind
    4       2     flags: none yet, 0; an entry with one that is not known is foreign
    6       8     version: always here, scripts compare it
    14      8     born, float64, seconds since the epoch
    22      2     number of tags; for each: u16 length, its key, u64 version
            -     (up to here the same in all formats)
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
            4     CRC-32 of all before (at the end in all formats)

Numbers are big-endian; text is UTF-8, a lone surrogate as its three bytes. Of stubs, passes and
tag records times and payload are zero and empty; how long they live is for the store's own expiry
to say.
"""

import struct
import zlib
from math import inf, isfinite, isnan
from typing import Final

from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.errors import UnreadableError

MAGIC: Final = b"ck"
FORMAT: Final = 1
VERSION_AT: Final = 6
_NO_FLAGS: Final = 0

_HEAD: Final = struct.Struct(">2sBBHQdH")
_TAG: Final = struct.Struct(">H")
_TAG_VERSION: Final = struct.Struct(">Q")
_TIMES: Final = struct.Struct(">dddfH")
_BYTE: Final = struct.Struct(">B")
_LONG: Final = struct.Struct(">I")


def pack(key: str, entry: Entry) -> bytes:
    """The bytes of `entry`, bound to `key`. A value needs its payload made first.

    Raises `ValueError` for what has no room: more than 65,535 tags, a tag longer than 65,535
    bytes, 4 GB.
    """
    if entry.kind is Kind.VALUE and entry.payload is None:
        raise ValueError(f"the value under {key!r} was not encoded")
    try:
        return _pack(key, entry)
    except struct.error as error:
        raise ValueError(f"the entry under {key!r} does not fit in its bytes: {error}") from error


def _pack(key: str, entry: Entry) -> bytes:
    head = (MAGIC, FORMAT, entry.kind, _NO_FLAGS, entry.version, entry.born, len(entry.tags))
    parts = [_HEAD.pack(*head)]
    for tag, version in entry.tags.items():
        name = tag.encode(errors="surrogatepass")
        parts += [_TAG.pack(len(name)), name, _TAG_VERSION.pack(version)]
    parts.append(_TIMES.pack(*_times(entry)))
    for short in (entry.schema, entry.codec.encode(), entry.revision.encode()):
        parts += [_BYTE.pack(len(short)), short]
    for long in (key.encode(errors="surrogatepass"), entry.payload or b""):
        parts += [_LONG.pack(len(long)), long]
    body = b"".join(parts)
    return body + _LONG.pack(zlib.crc32(body))


def _times(entry: Entry) -> tuple[float, float, float, float, int]:
    if entry.kind is not Kind.VALUE:
        return 0.0, 0.0, 0.0, 0.0, entry.declared
    ttl = inf if entry.ttl is None else entry.ttl
    windows = entry.stale_while_revalidate, entry.stale_if_error
    return ttl, *windows, entry.load_time, entry.declared


def unpack(key: str, data: bytes, clock: Clock) -> Entry:
    """The entry in `data`. Raises `UnreadableError` if it is torn, corrupt or another key's."""
    try:
        return _unpack(key, data, clock)
    except (struct.error, ValueError) as error:
        raise UnreadableError(f"under {key!r}: {error}") from error


def _unpack(key: str, data: bytes, clock: Clock) -> Entry:
    if data[:2] != MAGIC or zlib.crc32(memoryview(data)[:-4]) != _LONG.unpack(data[-4:])[0]:
        raise ValueError("torn or corrupt")
    _, form, kind, flags, version, born, count = _HEAD.unpack_from(data)
    at = _HEAD.size
    tags: dict[str, int] = {}
    for _ in range(count):
        name, at = _take(data, at, _TAG)
        tags[name.decode(errors="surrogatepass")] = _TAG_VERSION.unpack_from(data, at)[0]
        at += _TAG_VERSION.size
    if not isfinite(born):
        raise ValueError(f"born at {born}")
    entry = Entry(Kind(kind), version=version, tags=tags)
    entry.born = born
    if (form, flags) != (FORMAT, _NO_FLAGS):
        entry.codec = f"format {form}, flags {flags:x}"
        return entry
    _read_body(entry, key, data, at, clock)
    return entry


def _read_body(entry: Entry, key: str, data: bytes, at: int, clock: Clock) -> None:
    ttl, *windows, entry.load_time, entry.declared = _TIMES.unpack_from(data, at)
    if isnan(ttl) or not all(0 <= window < inf for window in windows):
        raise ValueError(f"a ttl of {ttl}, stale for {windows}")
    entry.stale_while_revalidate, entry.stale_if_error = windows
    if entry.declared > len(entry.tags):
        raise ValueError(f"{entry.declared} declared of {len(entry.tags)} tags")
    entry.schema, at = _take(data, at + _TIMES.size, _BYTE)
    codec, at = _take(data, at, _BYTE)
    revision, at = _take(data, at, _BYTE)
    entry.codec, entry.revision = codec.decode(), revision.decode()
    own, at = _take(data, at, _LONG)
    if own != key.encode(errors="surrogatepass"):
        raise ValueError("another key's")
    payload, at = _take(data, at, _LONG)
    if at != len(data) - 4:
        raise ValueError("length is off")
    if entry.kind is Kind.VALUE:
        entry.ttl = None if ttl == inf else ttl
        age = max(0.0, clock.time() - entry.born)
        entry.fresh_until = entry.serves_until = clock.monotonic() + ttl - age
        entry.payload = payload


def _take(data: bytes, at: int, length: struct.Struct) -> tuple[bytes, int]:
    (size,) = length.unpack_from(data, at)
    start = at + length.size
    if start + size > len(data):
        raise ValueError("a length runs past the end")
    return data[start : start + size], start + size
