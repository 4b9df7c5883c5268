"""`python -m benchmarks`: warm hits against peers. Rounds are interleaved; read the ratios."""

import argparse
import asyncio
import gc

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.hits import Row, rows, time_hits


async def measure(rounds: int, hits: int) -> list[Row]:
    """Every subject once in each round, so that a noisy moment hits all of them."""
    subjects = rows()
    for _ in track(range(rounds), description="warm hits"):
        for row in subjects:
            gc.collect()
            await time_hits(row, hits)
    return subjects


def table(subjects: list[Row]) -> Table:
    made = Table(title="A warm hit of a decorated async def, in memory: CPU time")
    for title in ("value", "subject"):
        made.add_column(title)
    for title in ("best µs", "median µs", "ratio"):
        made.add_column(title, justify="right")
    for case in dict.fromkeys(row.case for row in subjects):
        group = [row for row in subjects if row.case == case]
        for row in group:
            ratio = f"{row.median / group[0].median:.2f}"
            made.add_row(row.case, row.subject, f"{row.best:.2f}", f"{row.median:.2f}", ratio)
        made.add_section()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    parser.add_argument("--hits", type=int, default=5000, help="hits in one measurement")
    given = parser.parse_args()
    Console().print(table(asyncio.run(measure(given.rounds, given.hits))))


if __name__ == "__main__":
    main()
