"""A text where bytes of JSON or msgpack have another."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

PLACES: Final = 100
"""How many strings of one value's bytes are replaced at most, one at a time."""

_JSON: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')


def alone(text: str) -> Iterator[tuple[str, bytes]]:
    """`text`, shorter than 32 bytes, and nothing else."""
    yield f"{text!r} in JSON", _in_json(text)
    yield f"{text!r} in msgpack", _in_msgpack(text)


def replaced(samples: Sequence[bytes], text: str) -> Iterator[tuple[str, bytes]]:
    """Each of `samples` with `text`, shorter than 32 bytes, for what looks like a string in it."""
    for data in samples:
        for start, end in islice(_json_strings(data), PLACES):
            yield f"{text!r} at {start} of JSON", data[:start] + _in_json(text) + data[end:]
        for start, end in islice(_msgpack_strings(data), PLACES):
            yield f"{text!r} at {start} of msgpack", data[:start] + _in_msgpack(text) + data[end:]


def _in_json(text: str) -> bytes:
    return json.dumps(text).encode()


def _in_msgpack(text: str) -> bytes:
    return bytes((0xA0 | len(text.encode()),)) + text.encode()


def _json_strings(data: bytes) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _JSON.finditer(data))


def _msgpack_strings(data: bytes) -> Iterator[tuple[int, int]]:
    """Where those of up to 255 bytes may be: each byte that could begin one is believed."""
    for at, byte in enumerate(data):
        if byte & 0xE0 == 0xA0:
            start, size = at + 1, byte & 0x1F
        elif byte == 0xD9 and at + 1 < len(data):
            start, size = at + 2, data[at + 1]
        else:
            continue
        if start + size <= len(data) and _is_text(data[start : start + size]):
            yield at, start + size


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False
