"""`python -m benchmarks [NAME ...]`: CPU times beside peers, of warm hits if none is named.

Rounds are interleaved; read the ratios.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import hits, serializers
from benchmarks.measuring import Effort


@dataclass(frozen=True)
class Benchmark:
    """One that can be named: what it measures, and what does that."""

    about: str
    run: Callable[[Effort], list[Table]]


BENCHMARKS: Final = {
    "hits": Benchmark("a warm hit of a decorated function, beside other libraries", hits.run),
    "serializers": Benchmark(
        "values into bytes and back, beside the plain libraries", serializers.run
    ),
}
FIRST: Final = "hits"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is named in `arguments`, else in the command line."""
    given = _parser().parse_args(arguments)
    if given.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:12} {benchmark.about}")
        return
    effort = Effort(given.rounds, given.hits, given.span)
    for name in given.names or [FIRST]:
        for table in BENCHMARKS[name].run(effort):
            Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", type=_known, metavar="NAME", help="what to measure")
    parser.add_argument("--list", action="store_true", help="tell what there is, and end")
    parser.add_argument("--rounds", type=_many, default=15, help="how often each is measured")
    parser.add_argument("--hits", type=_many, default=5000, help="hits in one measurement")
    parser.add_argument(
        "--span", type=float, default=0.01, help="seconds of one measurement that is not of hits"
    )
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
