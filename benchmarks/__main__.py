"""`python -m benchmarks [NAME ...]`: CPU times beside peers; hits and misses if none is named.

Rounds are interleaved; read the ratios.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import hits, http, memcached, misses, redis, serializers
from benchmarks.measuring import Effort


@dataclass(frozen=True)
class Benchmark:
    """One that can be named: what it measures, and what does that."""

    about: str
    run: Callable[[Effort], list[Table]]


BENCHMARKS: Final = {
    "hits": Benchmark("a warm hit of a decorated function, beside other libraries", hits.run),
    "misses": Benchmark(
        "a miss over its load: in memory, and while the breaker of a store is open", misses.run
    ),
    "serializers": Benchmark(
        "values into bytes and back, beside the plain libraries", serializers.run
    ),
    "redis": Benchmark(
        "callers at the same time, round trips and outages on Redis, beside its client and peers",
        redis.run,
    ),
    "memcached": Benchmark("the same on memcached", memcached.run),
    "http": Benchmark(
        "a response out of the cache, beside a bare ASGI app, peers and no cache", http.run
    ),
}
FIRST: Final = ("hits", "misses")
QUICK: Final = Effort(rounds=2, hits=500, span=0.002, callers=100)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is named in `arguments`, else in the command line."""
    given = _parser().parse_args(arguments)
    if given.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:12} {benchmark.about}")
        return
    effort = _effort(given)
    for name in given.names or FIRST:
        for table in BENCHMARKS[name].run(effort):
            Console().print(table)


def _effort(given: argparse.Namespace) -> Effort:
    names = (field.name for field in fields(Effort))
    said = {name: vars(given)[name] for name in names if vars(given)[name] is not None}
    return replace(QUICK if given.quick else Effort(), **said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", type=_known, metavar="NAME", help="what to measure")
    parser.add_argument("--list", action="store_true", help="tell what there is, and end")
    parser.add_argument("--quick", action="store_true", help="measure little, and not well")
    parser.add_argument("--rounds", type=_many, help="how often each is measured")
    parser.add_argument("--hits", type=_many, help="hits in one measurement")
    parser.add_argument("--span", type=float, help="seconds of one that is not of hits")
    parser.add_argument("--callers", type=_many, help="the most that ask at once")
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
