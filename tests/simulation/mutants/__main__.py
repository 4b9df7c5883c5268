"""`python -m tests.simulation.mutants`: without any one guard, the simulation must complain.

Each `*.patch` here takes one guard out of a copy of the product. Seeds are run on the copy until
one shows a violation. A patch that no longer applies, or that no seed notices, is a failure. One
whose description has a line `store: memory` is run on that.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.simulation.mutants.patches import StalePatchError, apply

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
SOURCES: Final = ("cachekit", "backends", "serializers", "tests/simulation")
STORE: Final = re.compile(r"^store: (\S+)$", re.MULTILINE)
VIOLATION: Final = re.compile(r"^VIOLATION in seed (\d+): (.*)$", re.MULTILINE)


class Verdict(NamedTuple):
    """What became of one mutant; `seed` is the one that caught it."""

    name: str
    seed: int | None
    text: str
    seconds: float


def main() -> int:
    """Run the mutants asked for; 1 if one survived or could not be made."""
    parser = argparse.ArgumentParser("python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="patches without .patch; none: all")
    parser.add_argument("--seeds", type=int, default=3000, help="give a mutant up after so many")
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in HERE.glob("*.patch"))
    console = Console(highlight=False)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        trials = pool.map(lambda name: trial(name, options.seeds), names)
        verdicts = list(track(trials, "mutants", len(names), console=console))
    console.print(_table(verdicts))
    return int(any(verdict.seed is None for verdict in verdicts))


def trial(name: str, seeds: int) -> Verdict:
    """Make one mutant and run it until a seed catches it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            make(name, Path(folder))
        except StalePatchError as error:
            return Verdict(name, None, str(error), 0.0)
        output = run(Path(folder), seeds, store_of(name))
    found = VIOLATION.search(output)
    took = time.monotonic() - started
    if found is None:
        return Verdict(name, None, f"SURVIVED {seeds} seeds; {output[-300:]}", took)
    return Verdict(name, int(found[1]), found[2], took)


def make(name: str, folder: Path) -> None:
    """A copy of the sources in `folder`, without one guard."""
    for source in SOURCES:
        shutil.copytree(
            ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "tests/__init__.py").touch()
    apply(HERE / f"{name}.patch", folder)


def store_of(name: str) -> str:
    """What the simulation has to run on."""
    found = STORE.search((HERE / f"{name}.patch").read_text())
    return found[1] if found else "links"


def run(folder: Path, seeds: int, store: str) -> str:
    """What the simulation prints about the product in `folder`."""
    paths = os.pathsep.join(str(folder / part) for part in ("", "backends", "serializers"))
    command = [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds), "--stop"]
    done = subprocess.run(
        [*command, "--quiet", "--jobs", "1", "--store", store],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def _table(verdicts: Iterable[Verdict]) -> Table:
    table = Table("without", "caught by seed", "seconds", "what was seen")
    for name, seed, text, seconds in verdicts:
        caught = "NOT CAUGHT" if seed is None else str(seed)
        table.add_row(name, caught, f"{seconds:.1f}", text)
    return table


if __name__ == "__main__":
    sys.exit(main())
