"""What is under a key, for who wants to know more than the value."""

from dataclasses import dataclass
from typing import Any

from cachekit.call import Call
from cachekit.clock import Clock
from cachekit.entry import Entry


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A value as it is in the cache, at the moment it was looked at.

    - `value`: a copy of it. `version`: another one each time a value is stored; `touch` keeps it.
    - `age`: seconds since its load ended. `ttl`: seconds it is fresh, `None` for good.
    - `fresh`: whether its ttl has not passed. What has is still here while
      `stale_while_revalidate` or `stale_if_error` allow it.
    - `tags`: declared ones, then those from the result; an unusual one as it is stored.
    - `load_time`: seconds its load took, 0.0 if it was set.
    """

    key: str
    value: Any
    version: int
    age: float
    ttl: float | None
    fresh: bool
    tags: tuple[str, ...]
    load_time: float


def view(key: str, call: Call, entry: Entry, clock: Clock) -> CacheEntry:
    """`entry` as users see it."""
    head = f"t:{call.namespace}:"
    return CacheEntry(
        key,
        call.policy.codec.open(call.key, entry),
        entry.version,
        max(0.0, clock.time() - entry.born),
        entry.ttl,
        clock.monotonic() < entry.fresh_until,
        tuple(tag.removeprefix(head) for tag in entry.tags if tag.startswith(head)),
        entry.load_time,
    )
