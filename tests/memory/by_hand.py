"""Driving a backend that never suspends without an event loop."""

from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

from cachekit.backend import ANY, FORGET_PREFIX, PEEK, Condition, Outcome, Peek, Write
from cachekit.entry import Entry, Kind
from cachekit_memory import MemoryBackend
from cachekit_memory.backend import Eviction

T = TypeVar("T")

POLICIES: Final[tuple[Eviction, ...]] = ("tinylfu", "s3fifo", "lru")


def drive(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, which fails the test if it suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("it suspended")


def write(
    backend: MemoryBackend, key: str, entry: Entry | None, expected: int | Condition = ANY
) -> Outcome:
    (outcome,) = drive(backend.write([Write(key, entry, expected)]))
    return outcome


def read(backend: MemoryBackend, key: str) -> Entry | None:
    found = drive(backend.read([key])).get(key)
    assert found is None or isinstance(found, Entry)
    return found


def forget(backend: MemoryBackend, *prefixes: str) -> Outcome:
    able = backend.capability(FORGET_PREFIX)
    assert able is not None
    return drive(able.forget_prefix(prefixes))


def peeking(backend: MemoryBackend) -> Peek:
    able = backend.capability(PEEK)
    assert able is not None
    return able


def value(
    content: Any = None,
    *,
    version: int | None = None,
    keep: float | None = None,
    tags: Mapping[str, int] | None = None,
) -> Entry:
    """A value that is fresh for good."""
    entry = Entry(Kind.VALUE, version=version, keep=keep, tags=tags).keeping(content, share=False)
    entry.fresh_until = entry.serves_until = float("inf")
    return entry


def tag(version: int, keep: float | None = None) -> Entry:
    return Entry(Kind.TAG, version=version, keep=keep)
