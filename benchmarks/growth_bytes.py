"""The memory that an entry takes, beside its key and its value; each measured in a process.

`python -m benchmarks.growth_bytes SUBJECT SIZE` prints the bytes for one of `SIZE` entries.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.progress import track

from benchmarks.growth_series import DICT, ENTRIES, TTL, Series, measured_apart, sizes
from benchmarks.measuring import Effort
from benchmarks.results import OURS
from cachekit import Cache
from cachekit_memory import MemoryBackend

_WHAT: Final = "memory of an entry"
_STATM: Final = Path("/proc/self/statm")
_LEAST: Final = 10_000
_BATCH: Final = 1000
_ROUNDS: Final = 3
Fill = Callable[[list[str], list[str]], object]


def in_bytes(effort: Effort) -> list[Series]:
    """What the system counts as resident more than before; each entry carries a tag."""
    if not _STATM.exists():
        return [Series(_WHAT, OURS, ENTRIES, "bytes", note="only Linux tells")]
    found = {name: Series(_WHAT, name, ENTRIES, "bytes", floor=name == DICT) for name in _FILLS}
    counts = sizes(effort.most, min(_LEAST, effort.most))
    for size in track(counts, description="memory of entries"):
        for _ in range(min(effort.rounds, _ROUNDS) if size < 1_000_000 else 1):
            for name, series in found.items():
                series.add(size, *measured_apart(__name__, name, size))
    return list(found.values())


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * 4096


def _plain(keys: list[str], values: list[str]) -> object:
    return dict(zip(keys, values, strict=True))


def _ours(keys: list[str], values: list[str]) -> object:
    cache = Cache(MemoryBackend(max_entries=None), ttl=TTL)
    asyncio.run(_set(cache, keys, values))
    return cache


async def _set(cache: Cache, keys: list[str], values: list[str]) -> None:
    for start in range(0, len(keys), _BATCH):
        some = slice(start, start + _BATCH)
        await cache.set_many(dict(zip(keys[some], values[some], strict=True)), tags=["tag"])


_FILLS: Final[dict[str, Fill]] = {DICT: _plain, OURS: _ours}


def main(subject: str, size: int) -> None:
    """Fills one, and prints what that took."""
    fill = _FILLS[subject]
    fill(["key"], ["value"])  # what is imported at first use is not an entry's
    keys, values = [f"item:{n}" for n in range(size)], [f"value {n}" for n in range(size)]
    before = _resident()
    kept = fill(keys, values)
    print((_resident() - before) / size)
    del kept


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
