"""A backend on each kind of event loop."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from typing import Final

from cachekit.backend import DONE, Backend, Write
from cachekit.testing.backends.entries import an_entry


def _loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    try:
        import uvloop
    except ImportError:  # it is for benchmarks, and not for all systems
        return {"asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


LOOPS: Final[Mapping[str, Callable[[], asyncio.AbstractEventLoop]]] = _loops()

SIZES: Final = (0, 1, 100, 70_000, 1_000_000)


async def use(backend: Backend) -> None:
    """Large and small, many at once, opened again."""
    for _ in range(2):
        await backend.open()
        writes = [Write(f"v:{size}", an_entry(payload=b"x" * size)) for size in SIZES]
        outcomes = await asyncio.gather(*(backend.write([write]) for write in writes))
        assert outcomes == [[DONE]] * len(SIZES)
        found = await asyncio.gather(*(backend.read([write.key]) for write in writes))
        payloads = [
            getattr(answer[f"v:{size}"], "payload", None)
            for answer, size in zip(found, SIZES, strict=True)
        ]
        assert payloads == [b"x" * size for size in SIZES]
        await backend.close()
    gc.collect()


async def job(backend: Backend, keys: int = 1) -> None:
    """One of those that have a loop of their own, and close nothing."""
    await backend.open()
    writes = [Write(f"v:{number}", an_entry()) for number in range(keys)]
    assert await backend.write(writes) == [DONE] * keys
