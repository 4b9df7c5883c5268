"""Drive the places service while the Redis behind its cache is killed, frozen and replaced.

Two processes of the service share a Redis of their own, which is started for that, and each keeps
copies in its memory. Before that the same load goes to two processes without a cache.
"""

import argparse
import asyncio
import functools
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.live import Live

from cachekit import ConfigurationError
from examples.places.demo.drive import AnswerError
from examples.places.demo.server import ServerError
from examples.places.outage.own_redis import RedisError
from examples.places.outage.report import Report, advice
from examples.places.outage.run import Options, Run

SWITCH = 0.0005
"""Seconds after which the thread that draws lets the one go on that drives."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Show what happens; exit with 1 if a client saw an error or an answer that was too old."""
    options, svg = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="places-") as folder:
        run = Run(Path(folder), options)
        try:
            asyncio.run(shown(run))
        except (ConfigurationError, RedisError, ServerError, AnswerError) as error:
            sys.exit(f"The demo failed: {error}")
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit("The demo was ended before it was through.")
    if told := advice(run.timeline, options):
        print(told)
    if svg:
        draw(run, svg)
    if complaints := run.timeline.complaints():
        sys.exit("\n".join(["What no client should have seen:", *complaints[:10]]))


def parse(arguments: Sequence[str] | None) -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m examples.places.outage", description=__doc__)
    add = functools.partial(parser.add_argument, type=int)
    add("--rate", default=Options.rate, help="requests a second; default: %(default)s")
    add("--seconds", default=Options.seconds, help="of each phase; default: %(default)s")
    add("--processes", default=Options.processes, help="of the service; default: %(default)s")
    add("--seed", default=Options.seed, help="of the requests; default: %(default)s")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where to draw it, too")
    told = vars(parser.parse_args(arguments))
    svg: Path | None = told.pop("svg")
    options = Options(**told)
    if not (options.rate > 0 and options.seconds > 1 and options.processes > 0):
        parser.error("give a rate and processes above 0, and two seconds or more")
    return options, svg


async def shown(run: Run) -> None:
    """Run, and show it on the way. What draws is in a thread: the driver has to be on time."""
    _cancel_on_sigterm()
    sys.setswitchinterval(SWITCH)
    with Live(Report(run), refresh_per_second=1):
        await run.all()


def draw(run: Run, path: Path) -> None:
    """The end of a run as an SVG."""
    console = Console(record=True, width=120, file=StringIO())
    console.print(Report(run))
    console.save_svg(str(path), title="make demo-outage")


def _cancel_on_sigterm() -> None:
    """Let a SIGTERM end the servers as well, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    with suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


if __name__ == "__main__":
    main()
