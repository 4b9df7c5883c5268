"""The step, on python-zstandard."""

from typing import Any, Final

import zstandard

from cachekit.errors import ConfigurationError, UnreadableError

_STORED: Final = b"\0"
_PACKED: Final = b"\1"


class ZstdCompression:
    """Compresses what a serializer made, where that makes it smaller.

    `level` is 1 (fast) to 22 (small, slow, and hundreds of megabytes while it works). Data of
    less than `threshold` bytes is stored as it is. Both may change at any time: what is stored
    says itself how to read it. Raises `ConfigurationError` for a level or threshold that is none.

    Compress before you encrypt: what is encrypted does not get smaller. Where one who writes part
    of a value can see how long its bytes become, that tells about the rest (CRIME, BREACH).
    """

    id: str = "zstd"

    def __init__(self, level: int = 3, threshold: int = 1024) -> None:
        self._level = _whole("level", level, 1, zstandard.MAX_COMPRESSION_LEVEL)
        self._threshold = _whole("threshold", threshold, 0, None)

    def encode(self, data: bytes, context: bytes) -> bytes:
        """A marker and a frame, or a marker and the data."""
        if len(data) >= self._threshold:
            # A new one each time: threads must not share one, and a kept one keeps its tables.
            packed = zstandard.ZstdCompressor(level=self._level).compress(data)
            if len(packed) < len(data):
                return _PACKED + packed
        return _STORED + data

    def decode(self, data: bytes, context: bytes, limit: int) -> bytes:
        """Raises `UnreadableError` for anything but what `encode` makes of `limit` bytes at most.

        What is larger is refused by what it says of itself, before it is unpacked; what says less
        than is in it fails when that is full.
        """
        marker = data[:1]
        if marker == _PACKED:
            return _unpacked(data[1:], limit)
        if marker != _STORED:
            raise UnreadableError(f"no marker of zstd: {marker.hex() or 'there are no bytes'}")
        _check_size(len(data) - 1, limit)
        return data[1:]


def _unpacked(frame: bytes, limit: int) -> bytes:
    try:
        _check(zstandard.get_frame_parameters(frame), limit)
        # It fills a buffer of the declared size, which is checked, and ignores a lower maximum.
        return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise UnreadableError(f"not one whole frame of zstd: {error}") from error


def _check(frame: zstandard.FrameParameters, limit: int) -> None:
    """Refuse a frame that no `encode` makes, and one whose content is over `limit`."""
    size = frame.content_size
    if size in (0, zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR):
        raise UnreadableError("a frame of zstd that does not say how much is in it")
    _check_size(size, limit)
    if frame.window_size > size:
        raise UnreadableError(f"a window of {frame.window_size} bytes for {size} bytes of zstd")
    if frame.dict_id:
        raise UnreadableError(f"a frame of zstd for dictionary {frame.dict_id}: there is none")


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise UnreadableError(f"{size} bytes, and {limit} is the limit")


def _whole(name: str, value: Any, least: int, most: int | None) -> int:
    range_ = f"of {least} or more" if most is None else f"from {least} to {most}"
    if type(value) is not int or value < least or (most is not None and value > most):
        given = value if isinstance(value, (int, float)) else type(value).__name__  # may be a key
        raise ConfigurationError(
            f"ZstdCompression({name}=) takes a whole number {range_}, not {given}"
        )
    return value
