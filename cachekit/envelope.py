"""Entries as bytes, for stores that keep bytes.

    offset  size  what
    0       2     magic "ck"
    2       1     format (2)
    3       1     kind
    4       2     flags: which of the parts below are there; one with an unknown one is foreign
    6       8     version: always here, scripts compare it
    14      8     born, float64, seconds since the epoch
    22      2     number of tags; for each: u16 length, its key, u64 version
            -     (up to here the same in all formats)
            2     length of the key
            8     ttl, float64 seconds, inf: none                            of values
            2     load time, float16 seconds                                of values
            1     length of the codec id                                    of values
            16    stale while revalidate, stale if error, float64 seconds   flag 1
            2     how many of the tags were declared; they come first       flag 2, else all
            1+n   schema fingerprint                                        flag 4, else empty
            1+n   revision: the version of the function                     flag 8, else empty
            0     no process is to keep a copy of it                        flag 16
            n     codec id                                                  of values
            n     the key itself
            n     payload                                                   of values
            4     CRC-32 of all before (at the end in all formats)

Numbers are big-endian; text is UTF-8, a lone surrogate as its three bytes. How long stubs, passes
and tag records live is for the store's own expiry to say.
"""

import struct
from functools import lru_cache
from math import inf
from typing import Final
from zlib import crc32

from cachekit import envelope_1
from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.envelope_1 import take
from cachekit.errors import UnreadableError

MAGIC: Final = b"ck"
FORMAT: Final = 2
VERSION_AT: Final = 6

_WINDOWS, _DERIVED, _SCHEMA, _REVISION, _SKIP_L1 = 1, 2, 4, 8, 16
_ALL: Final = 31

_HEAD: Final = struct.Struct(">2sBBHQdH")
_SHORT: Final = struct.Struct(">H")
_VERSION: Final = struct.Struct(">Q")
_VALUE: Final = struct.Struct(">HdeB")
_TWO: Final = struct.Struct(">dd")
_BYTE: Final = struct.Struct(">B")
_LONG: Final = struct.Struct(">I")
_LONGEST_LOAD: Final = 65504.0
_COPIED: Final = 2048
"""Up to so many bytes, a copy is faster made than a view."""
_KINDS: Final = {kind.value: kind for kind in Kind}

_OF_VALUE: Final = MAGIC + bytes([FORMAT, Kind.VALUE])
_TAGS_AT: Final = _HEAD.size

# Bound here, since to look up a method takes as long as to read a number.
_head: Final = struct.Struct(">4sHQdH").unpack_from
_of_value: Final = _VALUE.unpack_from
_checksum: Final = _LONG.unpack_from


def pack(key: str, entry: Entry) -> bytes:
    """The bytes of `entry`, bound to `key`. A value needs its payload made first.

    Raises `ValueError` for what has no room: more than 65,535 tags, a tag or a key longer than
    65,535 bytes, a codec id longer than 255.
    """
    if entry.kind is Kind.VALUE and entry.payload is None:
        raise ValueError(f"the value under {key!r} was not encoded")
    try:
        body = b"".join(_parts(_named(key), entry))
    except struct.error as error:
        raise ValueError(f"the entry under {key!r} does not fit in its bytes: {error}") from error
    return body + _LONG.pack(crc32(body))


def _parts(key: bytes, entry: Entry) -> list[bytes]:
    flags, optional = _optional(entry)
    tags = entry.tags
    parts = [_HEAD.pack(MAGIC, FORMAT, entry.kind, flags, entry.version, entry.born, len(tags))]
    for tag, version in tags.items():
        name = _named(tag)
        parts += (_SHORT.pack(len(name)), name, _VERSION.pack(version))
    if entry.payload is None:
        parts += (_SHORT.pack(len(key)), optional, key)
        return parts
    codec = entry.codec.encode()
    ttl = inf if entry.ttl is None else entry.ttl
    took = entry.load_time if entry.load_time < _LONGEST_LOAD else _LONGEST_LOAD
    fixed = _VALUE.pack(len(key), ttl, took, len(codec))
    parts += (fixed, optional, codec, key, entry.payload)
    return parts


def _optional(entry: Entry) -> tuple[int, bytes]:
    """The flags, and the parts that they announce."""
    windows = entry.stale_while_revalidate or entry.stale_if_error
    derived = entry.declared != len(entry.tags)
    if not (windows or derived or entry.schema or entry.revision or entry.skip_l1):
        return 0, b""
    flags, parts, is_value = 0, b"", entry.payload is not None
    if is_value and entry.skip_l1:
        flags = _SKIP_L1
    if is_value and windows:
        flags |= _WINDOWS
        parts = _TWO.pack(entry.stale_while_revalidate, entry.stale_if_error)
    if derived:
        flags |= _DERIVED
        parts += _SHORT.pack(entry.declared)
    if is_value and entry.schema:
        flags |= _SCHEMA
        parts += _BYTE.pack(len(entry.schema)) + entry.schema
    if is_value and entry.revision:
        flags |= _REVISION
        revision = entry.revision.encode()
        parts += _BYTE.pack(len(revision)) + revision
    return flags, parts


def _named(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def unpack(key: str, data: bytes, clock: Clock) -> Entry:
    """The entry in `data`. Raises `UnreadableError` if it is torn, corrupt or another key's."""
    try:
        name = key.encode("utf-8", "surrogatepass")
        end = len(data) - 4
        body = data[:end] if end < _COPIED else memoryview(data)[:end]
        if crc32(body) != _checksum(data, end)[0]:
            raise ValueError("torn or corrupt")
        head, flags, version, born, count = _head(data)
        at = _TAGS_AT
        for _ in range(count):
            at += 10 + (data[at] << 8) + data[at + 1]
        read_tags = _tags if at < _COPIED else _tags.__wrapped__
        entry = Entry(_KINDS[head[3]], version, read_tags(data[_TAGS_AT:at]))
        if head == _OF_VALUE and flags <= _ALL:
            name_size, ttl, load_time, codec_size = _of_value(data, at)
            at += _VALUE.size
            if flags:
                at = _read_optional(entry, data, at, flags)
            name_at = at + codec_size
            payload_at = name_at + name_size
            if data[name_at:payload_at] != name or payload_at > end:
                raise ValueError("another key's")
            entry.codec, entry.payload = data[at:name_at].decode(), data[payload_at:end]
        else:
            ttl, load_time = _read_other(entry, name, data[:end], at, flags)
        if ttl != ttl or not -inf < born < inf or not 0.0 <= load_time < inf:
            raise ValueError(f"a ttl of {ttl}, born at {born}, or a load time of {load_time}")
        entry.born, entry.load_time = born, load_time
        entry.ttl = None if ttl == inf else ttl
        return entry.dated(clock.time(), clock.monotonic())
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise UnreadableError(f"under {key!r}: {error}") from error


def _read_other(entry: Entry, key: bytes, data: bytes, at: int, flags: int) -> tuple[float, float]:
    """Takes what is no value, or is of another format; its ttl and its load time."""
    form = data[2]
    if not data.startswith(MAGIC) or at > len(data):
        raise ValueError("torn or corrupt")
    if form == FORMAT and flags <= _ALL:
        _read_mark(entry, key, data, at, flags)
    elif form == envelope_1.FORMAT and not flags:
        envelope_1.read_body(entry, key, data, at)
        _check_windows(entry)
    else:
        entry.codec = f"format {form}, flags {flags:x}"
    return inf if entry.ttl is None else entry.ttl, entry.load_time


@lru_cache(maxsize=1024)
def _tags(data: bytes) -> dict[str, int]:
    """The tags with their versions. Entries with the same ones share them, and change none."""
    tags, at = dict[str, int](), 0
    while at < len(data):
        start = at + 2
        at = start + _SHORT.unpack_from(data, at)[0]
        (tags[data[start:at].decode("utf-8", "surrogatepass")],) = _VERSION.unpack_from(data, at)
        at += 8
    return tags


def _read_mark(entry: Entry, key: bytes, data: bytes, at: int, flags: int) -> None:
    """What is no value has a key, and perhaps a number of declared tags."""
    (key_size,) = _SHORT.unpack_from(data, at)
    at = _read_optional(entry, data, at + 2, flags)
    if data[at:] != key or len(key) != key_size:
        raise ValueError("another key's")


def _read_optional(entry: Entry, data: bytes, at: int, flags: int) -> int:
    """Takes the parts that `flags` announce; where they end."""
    entry.skip_l1 = bool(flags & _SKIP_L1)
    if flags & _WINDOWS:
        entry.stale_while_revalidate, entry.stale_if_error = _TWO.unpack_from(data, at)
        _check_windows(entry)
        at += _TWO.size
    if flags & _DERIVED:
        (entry.declared,) = _SHORT.unpack_from(data, at)
        at += _SHORT.size
        if entry.declared > len(entry.tags):
            raise ValueError(f"{entry.declared} declared of {len(entry.tags)} tags")
    if flags & _SCHEMA:
        entry.schema, at = take(data, at, _BYTE)
    if flags & _REVISION:
        revision, at = take(data, at, _BYTE)
        entry.revision = revision.decode()
    return at


def _check_windows(entry: Entry) -> None:
    for window in (entry.stale_while_revalidate, entry.stale_if_error):
        if not 0 <= window < inf:
            raise ValueError(f"a stale window of {window} seconds")
