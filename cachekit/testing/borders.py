"""Bytes moved from what is stored into its context, and back: what is signed may stay the same."""

from collections.abc import Iterator, Sequence
from typing import Final

Moved = tuple[str, bytes, bytes]
"""What was done, and the bytes and the context that are read afterwards."""

_MOST: Final = 3


def moved(samples: Sequence[bytes], context: bytes) -> Iterator[Moved]:
    """Each of `samples`, written in `context`, with a few bytes of any place on the other side."""
    for stored in samples:
        for at in range(len(stored) + 1):
            yield from _taken(stored, context, at)
            yield from _given(stored, context, at)


def _taken(stored: bytes, context: bytes, at: int) -> Iterator[Moved]:
    for end in range(at + 1, min(at + _MOST, len(stored)) + 1):
        part, rest = stored[at:end], stored[:at] + stored[end:]
        name = f"{len(stored)} bytes without those from {at} to {end}, put"
        yield f"{name} behind their context,", rest, context + part
        yield f"{name} before their context,", rest, part + context


def _given(stored: bytes, context: bytes, at: int) -> Iterator[Moved]:
    for size in range(1, min(_MOST, len(context)) + 1):
        last, first = context[-size:], context[:size]
        name = f"{size} of their context, put at {at} of {len(stored)} bytes,"
        yield f"the last {name}", stored[:at] + last + stored[at:], context[:-size]
        yield f"the first {name}", stored[:at] + first + stored[at:], context[size:]


def edged(byte: int) -> bytes:
    """Data that begin and end with a byte that may be what parts them from their context."""
    return bytes((byte,)) + b"some bytes" + bytes((byte,))


def moved_edges(stored: bytes, byte: int, context: bytes) -> Iterator[Moved]:
    """What was made of `edged` data, without the byte, wherever it is: it is in the context."""
    edge = bytes((byte,))
    for at, each in enumerate(stored):
        if each == byte:
            rest = stored[:at] + stored[at + 1 :]
            name = f"{len(stored)} bytes without {edge!r} at {at}, put"
            yield f"{name} behind their context,", rest, context + edge
            yield f"{name} before their context,", rest, edge + context
