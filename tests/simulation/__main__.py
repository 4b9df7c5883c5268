"""`python -m tests.simulation --seeds 2000 --processes 3`, or `--seed 17` to see one again."""

import argparse
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

from cachekit.testing.simulation.simulation import Result
from tests.simulation.runner import STORES, Tally, run_seed, run_seeds


def main() -> int:
    """Run what was asked for; 1 if anything was wrong."""
    options = _options()
    console = Console(highlight=False, soft_wrap=True)
    if options.seed is not None:
        return _replay(console, options)
    tally = Tally(options.store)
    seeds = range(options.first, options.first + options.seeds)
    results = run_seeds(seeds, options.processes, options.store, options.jobs)
    for result in track(results, "seeds", len(seeds), console=console, disable=options.quiet):
        tally.add(result)
        if result.violation is not None:
            _show(console, result, options)
            if options.stop:
                return 1
    return _sum_up(console, tally)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its digest")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=2, help="simulated processes, 1 to 8")
    parser.add_argument("--store", choices=list(STORES), default="links", help="what they run on")
    parser.add_argument("--jobs", type=int, help="seeds at a time; as many as there are cores")
    parser.add_argument("--stop", action="store_true", help="end at the first violation")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args()


def _replay(console: Console, options: argparse.Namespace) -> int:
    result = run_seed(options.seed, options.processes, options.store)
    if result.violation is not None:
        _show(console, result, options)
    console.print(
        f"seed {result.seed}: {result.operations} operations, history {result.digest[:16]}"
    )
    return int(result.violation is not None)


def _show(console: Console, result: Result, options: argparse.Namespace) -> None:
    console.print(f"\nVIOLATION in seed {result.seed}: {result.violation}", markup=False)
    again = f"--seed {result.seed} --processes {options.processes} --store {options.store}"
    console.print(f"again: python -m tests.simulation {again}\n", markup=False)


def _sum_up(console: Console, tally: Tally) -> int:
    table = Table("covered", "times", title=f"{tally.seeds} seeds, {tally.operations} operations")
    for name, times in sorted(tally.covered.items()):
        table.add_row(name, str(times))
    console.print(table)
    console.print(f"violations: {len(tally.violations)}")
    for name in tally.missing():
        console.print(f"never happened: {name}")
    return int(bool(tally.violations or tally.missing()))


if __name__ == "__main__":
    sys.exit(main())
