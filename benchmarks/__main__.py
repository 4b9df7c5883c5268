"""`python -m benchmarks [NAME ...]`: ours beside peers, in rounds; all, if none is named.

Read the ratios: machines differ, and are noisy. `python -m benchmarks profile` tells where the time
of a hit goes.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.charts import Bars, Curves
from benchmarks.machine import machine
from benchmarks.measuring import Effort
from benchmarks.pictures import draw_all, pictures
from benchmarks.results import WIDTH, Report, Result, as_tables, write


@dataclass(frozen=True)
class Benchmark:
    """One that can be named: what it measures, and which of its metrics are drawn; none: all."""

    about: str
    drawn: Sequence[str] = ()


BENCHMARKS: Final = {
    "hit": Benchmark(
        "a warm hit in memory, beside other libraries",
        (
            "a decorated async def, an immutable value, µs",
            "a decorated async def, a nested mutable value, µs",
            "a decorated def, an immutable value, µs",
            "await get(key), an immutable value, µs",
            "await get_or_set(key), an immutable value, µs",
        ),
    ),
    "misses": Benchmark(
        "a miss: in memory beside other libraries, and while a store is gone",
        ("a miss of a decorated async def, in memory, asyncio, µs",),
    ),
    "serializers": Benchmark(
        "values into bytes and back, beside the plain libraries",
        tuple(
            f"{way}: product, plain {library}, µs"
            for library in ("orjson", "msgpack", "pydantic")
            for way in ("write", "read")
        ),
    ),
    "redis": Benchmark(
        "callers at the same time on Redis, beside plain clients and peers",
        (
            "get, 1 caller, asyncio, µs",
            "get, 100 callers, asyncio, µs",
            "get or load, hit, 100 callers, asyncio, µs",
            "set, 100 callers, asyncio, µs",
        ),
    ),
    "memcached": Benchmark(
        "callers at the same time on memcached, beside plain clients and peers",
        (
            "get, 1 caller, asyncio, µs",
            "get, 100 callers, asyncio, µs",
            "get or load, hit, 100 callers, asyncio, µs",
            "set, 100 callers, asyncio, µs",
        ),
    ),
    "tiered": Benchmark(
        "copies in the process in front of Redis: hits, misses, changes",
        (
            "a hit, which there is a copy of, one process, µs",
            "a hit of what only Redis has, one process, µs",
            "a hit, which there is a copy of, 4 processes together, calls/s",
            "until others get the newer value after a change was acknowledged, ms",
        ),
    ),
    "stampede": Benchmark(
        "many that ask at once for what is not there",
        (
            "loads of one absent key, 1,000 callers, one process, in memory, loads",
            "until all are served, 1,000 callers, one process, in memory, ms",
            "loads of one absent key, 1,000 callers, 4 processes, on Redis, loads",
            "until all are served, 1,000 callers, 4 processes, on Redis, ms",
        ),
    ),
    "http": Benchmark(
        "a response out of the cache, beside a bare ASGI app, peers and no cache",
        (
            "GET /places/2988507: a place: one SELECT by its primary key, requests/s",
            "GET /places?country=FR: a page of 20 places: a SELECT of them, one COUNT, one version,"
            " requests/s",
        ),
    ),
    "hitratio": Benchmark("how many requests hit, by eviction policy and size, on several traces"),
    "growth": Benchmark("what everything costs with ever more entries, tags and waiters"),
}
USUAL: Final = Effort(rounds=5)
QUICK: Final = Effort(rounds=2, hits=500, span=0.002, callers=100, most=10_000)
FULL: Final = Effort(rounds=15, most=10_000_000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is named in `arguments`, else in the command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["profile"]:
        import_module("benchmarks.profile").main(arguments[1:])
        return
    given = _parser().parse_args(arguments)
    if given.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:14} {benchmark.about}")
        print("profile NAME   where the time of a hit goes, line by line")
        return
    _run(given.names or list(BENCHMARKS), _effort(given), given.json, given.plot)


def _run(names: Sequence[str], effort: Effort, told: Path | None, folder: Path | None) -> None:
    results: list[Result] = []
    drawn: list[Bars | Curves] = []
    for name in names:
        report = _report(name, effort)
        results += report.results
        drawn += pictures(name, BENCHMARKS[name].about, report, BENCHMARKS[name].drawn)
        if told:  # each time: what is measured is kept, whatever happens to the next
            write(told, machine(), results)
    if folder:
        for path in draw_all(drawn, folder):
            print(path)


def _report(name: str, effort: Effort) -> Report:
    """Measures, and shows it."""
    report: Report = import_module(f"benchmarks.{name}").run(effort)
    console = Console()
    console.width = max(console.width, WIDTH)
    for table in report.tables or as_tables(report.results):
        console.print(table)
    return report


def _effort(given: argparse.Namespace) -> Effort:
    effort = QUICK if given.quick else FULL if given.full else USUAL
    return replace(effort, **dict(_said(given)))


def _said(given: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    for field in fields(Effort):
        value = vars(given)[field.name]
        if value is not None:
            yield field.name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", type=_known, metavar="NAME", help="what to measure")
    parser.add_argument("--list", action="store_true", help="tell what there is, and end")
    parser.add_argument("--quick", action="store_true", help="measure little, and not well")
    parser.add_argument(
        "--full", action="store_true", help="15 rounds, and up to 10 million entries"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results to it")
    parser.add_argument("--plot", type=Path, metavar="DIR", help="draw pictures into it")
    parser.add_argument("--rounds", type=_many, help="how often each is measured")
    parser.add_argument("--hits", type=_many, help="hits in one measurement")
    parser.add_argument("--span", type=float, help="seconds of one that is not of hits")
    parser.add_argument("--callers", type=_many, help="the most that ask at once")
    parser.add_argument("--most", type=_many, help="the largest size that growth is measured to")
    return parser


def _known(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(BENCHMARKS)}")
    return name


def _many(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: at least 1")
    return number


if __name__ == "__main__":
    main()
