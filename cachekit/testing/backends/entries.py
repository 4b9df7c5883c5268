"""Entries to write, and what must be the same about them when they are read."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from cachekit.clock import Clock
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack, unpack
from cachekit.testing.clock import FakeClock

KINDS: Final = tuple(Kind)


def named(kind: Kind | None) -> str:
    """The name of a kind of entry; of none, that of a deletion."""
    return "delete" if kind is None else kind.name.lower()


_TOLD: Final = frozenset({"kind", "version", "keep"})
"""Attributes that `an_entry` is told."""


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
        if name not in _TOLD:
            setattr(entry, name, _filling(name, number, getattr(entry, name)))
    if kind is Kind.VALUE:
        entry.payload, entry.ttl = payload, 30.5
    return entry


def a_fresh_value(
    clock: Clock, ttl: float | None, *, keep: float | None, tags: Mapping[str, int] | None = None
) -> Entry:
    """A value that may be served for `ttl` seconds."""
    entry = an_entry(keep=keep, tags=tags)
    entry.freshen(ttl, clock)
    return entry


def facts(key: str, entry: Entry) -> dict[str, Any]:
    """All that a store must keep of an entry: its attributes, as its bytes hold them."""
    held = unpack(key, pack(key, entry), FakeClock())
    named = {name: getattr(held, name) for name in _names(held)}
    return {**named, "tags": list(held.tags.items())}


def _names(entry: Entry) -> list[str]:
    return [name for name in entry.__slots__ if not name.startswith("_")]


def _filling(name: str, number: int, default: object) -> object:
    """Another value of the type that the attribute has; what is not finite stays as it is."""
    if isinstance(default, float):
        return number + 0.5 if isfinite(default) else default
    if isinstance(default, int):
        return default // 2
    if isinstance(default, str):
        return name
    return name.encode() if isinstance(default, bytes) else default
