"""`python -m benchmarks.http_server SUBJECT ...`: one subject, served by uvicorn, in a process.

One worker, as its users run it, but without an access log. It is pinned to a core once it is up.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import uvicorn

from benchmarks.http_apps import MAKERS, Place
from benchmarks.http_cores import pin, runner
from examples.places.database import Database
from tests.servers.ports import LOOPBACK


class Server(uvicorn.Server):
    """Writes its port into a file when it is up."""

    def __init__(self, config: uvicorn.Config, told: Path, core: int | None) -> None:
        super().__init__(config)
        self._told = told
        self._core = core

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        pin(self._core)
        [listener] = self.servers[0].sockets
        self._told.with_suffix(".part").write_text(str(listener.getsockname()[1]))
        self._told.with_suffix(".part").replace(self._told)


def main(arguments: Sequence[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    with closing(Database(given.database)) as database, runner() as loop:
        loop.run(_serve(given, Place(database, given.redis, given.answers)))


async def _serve(given: argparse.Namespace, place: Place) -> None:
    async with MAKERS[given.subject](place) as app:
        config = uvicorn.Config(app, LOOPBACK, 0, lifespan="off", log_level="warning")
        await Server(config, given.told, given.core).serve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_server", description=__doc__)
    parser.add_argument("subject", choices=MAKERS)
    parser.add_argument("--database", type=Path, required=True, help="a file that is filled")
    parser.add_argument("--answers", type=Path, required=True, help="what the bare app sends")
    parser.add_argument("--told", type=Path, required=True, help="where it writes its port")
    parser.add_argument("--redis", help="where it keeps its values, if not in memory")
    parser.add_argument("--core", type=int, help="which it is pinned to")
    return parser


if __name__ == "__main__":
    main()
