"""What a call costs over its load while the server of a store does not answer."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from rich.table import Table

from benchmarks.clients import OURS, VALUE
from benchmarks.measuring import table
from benchmarks.results import Report, Result
from cachekit import Cache
from cachekit.backend import Backend
from tests.servers.base import Server

DEADLINE: Final = 0.25
"""The default, in seconds."""


async def outages(what: str, server: Server, backend: Callable[[], Backend]) -> Report:
    """What the first calls cost while `server` is stopped, and when it is gone, which it is at the
    end."""
    results: list[Result] = []
    for state, change in (("stopped (SIGSTOP)", server.freeze), ("refuses", server.kill)):
        async with _used(backend()) as cache:
            change()
            for call in ("first", "second"):
                metric, took = f"{state}, {call} call", await over_its_load(cache, call)
                results.append(Result(what.lower(), metric, OURS, "ms", [took]))
            server.thaw()
    return Report(results, [_shown(what, results)])


def _shown(what: str, results: Iterable[Result]) -> Table:
    title = f"get_or_set while {what} does not answer: milliseconds over its load"
    made = table(title, (what,), ("ms",))
    for result in results:
        made.add_row(result.metric, f"{result.median:,.1f}")
    return made


@asynccontextmanager
async def _used(backend: Backend) -> AsyncIterator[Cache]:
    """A cache that has its connection."""
    async with Cache(backend, namespace="outage", deadline=DEADLINE) as cache:
        await cache.get("opens the connection")
        yield cache


async def over_its_load(cache: Cache, key: str) -> float:
    """Milliseconds of a `get_or_set`, but for those of the load."""
    loading = 0.0

    async def load() -> Any:
        nonlocal loading
        began = time.perf_counter()
        value = dict(VALUE)
        loading = time.perf_counter() - began
        return value

    began = time.perf_counter()
    await cache.get_or_set(key, load)
    return (time.perf_counter() - began - loading) * 1000
