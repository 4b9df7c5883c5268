"""Values without parts, as msgpack ext values: the codes are listed in `cachekit_msgpack`."""

import struct
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final
from zoneinfo import ZoneInfo

from cachekit.errors import EncodeError
from cachekit_msgpack.codec import Hook, ext

_FOLD: Final = 1 << 31
_MICROSECOND: Final = timedelta(microseconds=1)
_COMPLEX: Final = struct.Struct(">dd")
_DATE: Final = struct.Struct(">HBB")
_TIME: Final = struct.Struct(">BBBI")
_DATETIME: Final = struct.Struct(">HBBBBBI")
_TIMEDELTA: Final = struct.Struct(">iII")
_OFFSET: Final = struct.Struct(">q")

_PATHS: Final[dict[bytes, type[Any]]] = {
    b"p": PurePosixPath,
    b"P": PosixPath,
    b"w": PureWindowsPath,
    b"W": WindowsPath,
}
_ADDRESSES: Final[dict[bytes, type[Any]]] = {
    b"a": IPv4Address,
    b"A": IPv6Address,
    b"n": IPv4Network,
    b"N": IPv6Network,
    b"i": IPv4Interface,
    b"I": IPv6Interface,
}


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _decode(data: bytes) -> str:
    return data.decode(errors="surrogatepass")


def _int(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _read_int(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def _complex(value: complex) -> bytes:
    return _COMPLEX.pack(value.real, value.imag)


def _read_complex(data: bytes) -> complex:
    return complex(*_COMPLEX.unpack(data))


def _decimal(value: Decimal) -> bytes:
    return str(value).encode()


def _read_decimal(data: bytes) -> Decimal:
    return Decimal(data.decode())


def _date(value: date) -> bytes:
    return _DATE.pack(value.year, value.month, value.day)


def _read_date(data: bytes) -> date:
    return date(*_DATE.unpack(data))


def _time(value: time) -> bytes:
    small = value.microsecond | _FOLD * value.fold
    return _TIME.pack(value.hour, value.minute, value.second, small) + zone(value.tzinfo)


def _read_time(data: bytes) -> time:
    hour, minute, second, small = _TIME.unpack_from(data)
    where = read_zone(data[_TIME.size :])
    return time(hour, minute, second, small & ~_FOLD, where, fold=small >> 31)


def _datetime(value: datetime) -> bytes:
    small = value.microsecond | _FOLD * value.fold
    day = value.year, value.month, value.day
    packed = _DATETIME.pack(*day, value.hour, value.minute, value.second, small)
    return packed + zone(value.tzinfo)


def _read_datetime(data: bytes) -> datetime:
    year, month, day, hour, minute, second, small = _DATETIME.unpack_from(data)
    where = read_zone(data[_DATETIME.size :])
    return datetime(year, month, day, hour, minute, second, small & ~_FOLD, where, fold=small >> 31)


def _timedelta(value: timedelta) -> bytes:
    return _TIMEDELTA.pack(value.days, value.seconds, value.microseconds)


def _read_timedelta(data: bytes) -> timedelta:
    return timedelta(*_TIMEDELTA.unpack(data))


def zone(value: tzinfo | None) -> bytes:
    """A timezone, or nothing; raises `EncodeError` for one that has neither key nor offset."""
    if value is None:
        return b""
    if value is UTC:
        return b"U"
    if type(value) is ZoneInfo and value.key:
        return b"Z" + _encode(value.key)
    if type(value) is not timezone:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise EncodeError(
            f"a time in a {kind} cannot be turned into msgpack; "
            "use datetime.timezone, or zoneinfo.ZoneInfo with a key"
        )
    return _offset(value)


def _offset(value: timezone) -> bytes:
    offset, name = value.utcoffset(None), value.tzname(None)
    packed = _OFFSET.pack(offset // _MICROSECOND)
    if name == timezone(offset).tzname(None):
        return b"O" + packed
    return b"N" + packed + _encode(name)


def read_zone(data: bytes) -> tzinfo | None:
    """What `zone` made."""
    if not data or data == b"U":
        return UTC if data else None
    if data[:1] == b"Z":
        return ZoneInfo(_decode(data[1:]))
    offset = _OFFSET.unpack_from(data, 1)[0] * _MICROSECOND
    if data[:1] == b"N":
        return timezone(offset, _decode(data[1 + _OFFSET.size :]))
    if data[:1] == b"O":
        return timezone(offset)
    raise ValueError(f"{data[:1]!r} is no kind of timezone")


def _uuid(value: uuid.UUID) -> bytes:
    return value.bytes


def _read_uuid(data: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=data)


def _read_path(data: bytes) -> Any:
    return _PATHS[data[:1]](_decode(data[1:]))


def _read_address(data: bytes) -> Any:
    return _ADDRESSES[data[:1]](data[1:].decode())


def _ext(code: int, encode: Callable[[Any], bytes]) -> Hook:
    return lambda value: ext(code, encode(value))


def _text(code: int, letter: bytes) -> Hook:
    return lambda value: ext(code, letter + _encode(str(value)))


BYTEARRAY: Final = 4
"""The one code that msgpack never asks for: it takes a bytearray for bytes."""

WRITERS: Final[dict[type[Any], Hook]] = {
    int: _ext(2, _int),
    complex: _ext(3, _complex),
    Decimal: _ext(5, _decimal),
    date: _ext(6, _date),
    time: _ext(7, _time),
    datetime: _ext(8, _datetime),
    timedelta: _ext(9, _timedelta),
    timezone: _ext(10, zone),
    ZoneInfo: _ext(10, zone),
    uuid.UUID: _ext(11, _uuid),
    **{kind: _text(12, letter) for letter, kind in _PATHS.items()},
    **{kind: _text(13, letter) for letter, kind in _ADDRESSES.items()},
}

READERS: Final[dict[int, Callable[[bytes], Any]]] = {
    2: _read_int,
    3: _read_complex,
    BYTEARRAY: bytearray,
    5: _read_decimal,
    6: _read_date,
    7: _read_time,
    8: _read_datetime,
    9: _read_timedelta,
    10: read_zone,
    11: _read_uuid,
    12: _read_path,
    13: _read_address,
}


def read(code: int, data: bytes) -> Any:
    """The value of an ext."""
    reader = READERS.get(code)
    if reader is None:
        raise ValueError(f"ext code {code} means nothing")
    return reader(data)
