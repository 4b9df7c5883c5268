"""What is under a key, for who wants to know more than the value."""

from dataclasses import dataclass
from typing import Any

from cachekit.call import Call
from cachekit.clock import Clock
from cachekit.entry import Entry


@dataclass(frozen=True, slots=True)
class EntryMetadata:
    """What is known of a value in the cache, at the moment it was looked at.

    - `version`: another one each time a value is stored; `touch` keeps it.
    - `age`: seconds since its load ended. `ttl`: seconds it is fresh, `None` for good.
    - `fresh`: whether its ttl has not passed. What has is still here while
      `stale_while_revalidate` or `stale_if_error` allow it.
    - `tags`: declared ones, then those from the result; an unusual one as it is stored.
    - `load_time`: seconds its load took, 0.0 if it was set.
    """

    key: str
    version: int
    age: float
    ttl: float | None
    fresh: bool
    tags: tuple[str, ...]
    load_time: float


@dataclass(frozen=True, slots=True)
class CacheEntry(EntryMetadata):
    """A value as it is in the cache, and what is known of it; `value` is a copy."""

    value: Any


def view(key: str, call: Call, entry: Entry, clock: Clock) -> CacheEntry:
    """`entry` as users see it."""
    return CacheEntry(*_known(key, call, entry, clock), call.policy.codec.open(call.key, entry))


def metadata(key: str, call: Call, entry: Entry, clock: Clock) -> EntryMetadata:
    """What users see of `entry` but for its value."""
    return EntryMetadata(*_known(key, call, entry, clock))


def _known(
    key: str, call: Call, entry: Entry, clock: Clock
) -> tuple[str, int, float, float | None, bool, tuple[str, ...], float]:
    head = f"t:{call.namespace}:"
    return (
        key,
        entry.version,
        max(0.0, clock.time() - entry.born),
        entry.ttl,
        clock.monotonic() < entry.fresh_until,
        tuple(tag.removeprefix(head) for tag in entry.tags if tag.startswith(head)),
        entry.load_time,
    )
