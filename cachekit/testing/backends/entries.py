"""Entries to write, and what must be the same about them when they are read."""

from collections.abc import Mapping
from typing import Any, Final

from cachekit.entry import Entry, Kind
from cachekit.envelope import pack, unpack
from cachekit.testing.clock import FakeClock

KINDS: Final = tuple(Kind)

_OWN: Final = frozenset({"kind", "version", "keep"})
"""What `an_entry` is told."""


def an_entry(
    kind: Kind = Kind.VALUE,
    *,
    version: int | None = None,
    keep: float | None = None,
    tags: Mapping[str, int] | None = None,
    payload: bytes = b"payload",
) -> Entry:
    """An entry with something in each attribute that bytes can hold."""
    entry = Entry(kind, version=version, keep=keep, tags=tags)
    for number, name in enumerate(_names(entry), 1):
        filling = _filling(name, number, getattr(entry, name))
        if filling is not None and name not in _OWN:
            setattr(entry, name, filling)
    if kind is Kind.VALUE:
        entry.payload = payload
    return entry


def facts(key: str, entry: Entry) -> dict[str, Any]:
    """All that a store must keep of an entry: its attributes, as its bytes hold them."""
    held = unpack(key, pack(key, entry), FakeClock())
    named = {name: getattr(held, name) for name in _names(held)}
    return {**named, "tags": list(held.tags.items())}


def _names(entry: Entry) -> list[str]:
    return [name for name in entry.__slots__ if not name.startswith("_")]


def _filling(name: str, number: int, default: object) -> object:
    if isinstance(default, float):
        return number + 0.5
    if isinstance(default, str):
        return name
    return name.encode() if isinstance(default, bytes) else None
