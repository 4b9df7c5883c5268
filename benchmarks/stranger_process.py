"""Times the hits of the library that has our name on the package index, in a process of its own.

`stranger.py` runs it with the Python that has that library. It answers each line, which names a
subject and how many hits to time, with the microseconds of one; of 0 hits, with the calls of one.
"""

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # last: "cachekit" is to be theirs

from benchmarks.hit_functions import nested, nested_now, text, text_now
from benchmarks.timing import calls_of, time_hits, warm


async def _answer() -> None:
    cache: Any = import_module("cachekit").cache
    kinds = {"cache": cache(backend=None, ttl=600), "cache.local": cache.local(ttl=600)}
    functions = {each.__name__: each for each in (text, nested, text_now, nested_now)}
    calls = {
        f"{k} {f}": kind(function) for k, kind in kinds.items() for f, function in functions.items()
    }
    for name, call in calls.items():
        await warm(call, 1, not name.endswith("_now"))
    print("ready", flush=True)
    for line in sys.stdin:
        name, _, hits = line.strip().rpartition(" ")
        awaited = not name.endswith("_now")
        if hits == "0":
            print(await calls_of(calls[name], 1, awaited), flush=True)
        else:
            print(await time_hits(calls[name], 1, int(hits), awaited), flush=True)


if __name__ == "__main__":
    asyncio.run(_answer())
