"""Run the places service with and without its cache, and compare.

The cache is the one that `PLACES_CACHE` names, or in the memory of the service.
"""

import argparse
import asyncio
import functools
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cachekit import ConfigurationError
from examples.places.demo.drive import AnswerError, Figures
from examples.places.demo.passes import Options, compare
from examples.places.demo.report import table
from examples.places.demo.server import ServerError
from examples.places.demo.store import StoreError, corner
from examples.places.fill import SIZES


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; exit with 1 if an answer was stale or something failed."""
    options = parse(arguments)
    console = Console()
    url = os.environ.get("PLACES_CACHE") or None
    try:
        without, cached = asyncio.run(run(options, console, url))
    except (ConfigurationError, StoreError, ServerError, AnswerError) as error:
        sys.exit(f"The demo failed: {error}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("The demo was ended before it was through.")
    console.print(table(without, cached, crowd=options.crowd, store=url))
    stale = [*without.watch.stale, *cached.watch.stale]
    if stale:
        sys.exit("\n".join(["Older than an acknowledged update:", *stale[:10]]))


def parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m examples.places.demo", description=__doc__)
    add = functools.partial(parser.add_argument, type=int, help="default: %(default)s")
    add("--requests", default=Options.requests)
    add("--clients", default=Options.clients)
    add("--crowd", default=Options.crowd)
    add("--smallest", default=Options.smallest, choices=SIZES)
    add("--seed", default=Options.seed)
    options = Options(**vars(parser.parse_args(arguments)))
    if not (options.crowd > 0 and 0 < options.clients * 2 <= options.requests):
        parser.error("give a crowd and clients above 0, and two requests per client or more")
    return options


async def run(options: Options, console: Console, url: str | None) -> tuple[Figures, Figures]:
    """Compare in a folder and a corner of the store that are removed whatever happens."""
    _cancel_on_sigterm()
    text = TextColumn("{task.description}")
    bars = Progress(text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    async with corner(url) as store:
        with tempfile.TemporaryDirectory(prefix="places-") as folder, bars:
            return await compare(Path(folder), options, store, bars)


def _cancel_on_sigterm() -> None:
    """Let a SIGTERM end the server as well, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    main()
