"""`python -m benchmarks profile NAME`: where the time of a hit goes, line by line.

A line that calls something has the time of that, too. To watch a line takes longer than most lines
do: read the shares, and leave times to `hit`.
"""

import argparse
import asyncio
import gc
import linecache
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Final
from warnings import catch_warnings

from line_profiler import LineProfiler
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.hit_functions import nested, text, text_now
from benchmarks.results import WIDTH
from benchmarks.timing import time_hits, warm
from cachekit import Cache

Line = tuple[int, int, int]
"""Its number, how often it ran, and how long that took, in all."""

HITS: Final = 2_000
"""Between two steps of the progress bar."""
STEPS = 20


@dataclass(frozen=True)
class Hit:
    """What is called with `argument`, again and again."""

    call: Callable[[Any], Any]
    argument: Any = 1
    awaited: bool = True


async def _get() -> Hit:
    cache = Cache()
    await cache.set("k", "value 1")
    return Hit(cache.get, "k")


async def _get_or_set() -> Hit:
    cache = Cache()

    async def hit(key: str) -> Any:
        return await cache.get_or_set(key, lambda: "value 1")

    return Hit(hit, "k")


async def _cached() -> Hit:
    return Hit(Cache().cached(text))


async def _mutable() -> Hit:
    return Hit(Cache().cached(nested))


async def _sync() -> Hit:
    return Hit(Cache().cached(text_now), awaited=False)


MAKERS: Final[dict[str, Callable[[], Awaitable[Hit]]]] = {
    "cached": _cached,
    "mutable": _mutable,
    "sync": _sync,
    "get": _get,
    "get_or_set": _get_or_set,
}


def main(arguments: Sequence[str]) -> None:
    """Shows what is named in `arguments`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks profile", description=__doc__)
    parser.add_argument("name", choices=MAKERS, nargs="?", default="cached", help="which hit")
    given = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, WIDTH)
    for table in asyncio.run(tables(given.name)):
        console.print(table)


async def tables(name: str) -> list[Table]:
    """One for each Python function that the hit goes through, in the order of their calls."""
    hit = await MAKERS[name]()
    await warm(hit.call, hit.argument, hit.awaited)
    functions = await functions_of(hit)
    with catch_warnings(action="ignore"):  # it doubts that a wrapper is meant
        profiler = LineProfiler(*functions)
    for _ in track(range(STEPS), description=name):
        with profiler:
            await time_hits(hit.call, hit.argument, HITS, hit.awaited)
    timings = profiler.get_stats().timings
    found = {(file, start): lines for (file, start, _), lines in timings.items()}
    codes = [function.__code__ for function in functions]
    parts = [found[code.co_filename, code.co_firstlineno] for code in codes]
    whole = _time_of(parts[0])
    return [_table(code, lines, whole) for code, lines in zip(codes, parts, strict=True)]


async def functions_of(hit: Hit) -> list[FunctionType]:
    """The Python functions that it goes through."""
    codes: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, arg: object) -> None:
        if event == "call":
            codes[frame.f_code] = None

    sys.setprofile(note)
    try:
        value = hit.call(hit.argument)
        if hit.awaited:
            await value
    finally:
        sys.setprofile(None)
    return [_function(code) for code in codes]


def _function(code: CodeType) -> FunctionType:
    return next(each for each in gc.get_referrers(code) if isinstance(each, FunctionType))


def _time_of(lines: Iterable[Line]) -> int:
    return sum(took for _, _, took in lines)


def _table(code: CodeType, lines: Sequence[Line], whole: int) -> Table:
    place = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
    share = _time_of(lines) / whole
    made = Table(title=f"{code.co_qualname}, {place}: {share:.0%}", title_justify="left")
    for name in ("line", "share"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("", no_wrap=True)
    for line, _, took in lines:
        source = linecache.getline(code.co_filename, line).rstrip()
        made.add_row(str(line), f"{took / whole:.1%}", source)
    return made
