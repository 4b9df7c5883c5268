"""`python -m tests.http.served.worker`: several processes that serve one application.

Each tells its port by a file; they note each run of a handler in another one.
"""

import argparse
import asyncio
import os
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

from cachekit import Cache
from cachekit.fastapi import cached, lifespan
from cachekit.http.response_cache import ResponseCache
from cachekit_redis import RedisBackend
from tests.servers.ports import LOOPBACK

TAKES = 0.3
"""Seconds that a handler takes."""


class Runs:
    """Each run of a handler, from whatever process: a line of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, what: str) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{what}\n".encode())

    def of(self, what: str) -> int:
        return self._path.read_text().splitlines().count(what)


def application(cache: Cache, runs: Runs) -> FastAPI:
    app = FastAPI(lifespan=lifespan(cache))

    @app.get("/whole/{id}")
    async def whole(id: str, response: Response) -> dict[str, Any]:
        runs.note(f"/whole/{id}")
        await asyncio.sleep(TAKES)
        response.headers["cache-control"] = "max-age=60"
        return {"id": id, "by": os.getpid()}

    @app.get("/value/{id}")
    @cached(cache, key="value:{id}", ttl=60)
    async def value(id: str) -> dict[str, Any]:
        runs.note(f"/value/{id}")
        await asyncio.sleep(TAKES)
        return {"id": id, "by": os.getpid()}

    return app


class Server(uvicorn.Server):
    """Writes its port into a file when it is up."""

    def __init__(self, config: uvicorn.Config, told: Path) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        [listener] = self.servers[0].sockets
        self._told.with_suffix(".part").write_text(str(listener.getsockname()[1]))
        self._told.with_suffix(".part").replace(self._told)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.http.served.worker", description=__doc__)
    parser.add_argument("--redis", required=True, help="its URL")
    parser.add_argument("--prefix", required=True, help="of all keys in it")
    parser.add_argument("--runs", type=Path, required=True, help="where it is noted what was run")
    parser.add_argument("--told", type=Path, nargs="+", help="where each writes its port")
    given = parser.parse_args(arguments)
    children = [fork(partial(serve, given, told)) for told in given.told]
    for child in children:
        os.waitpid(child, 0)


def fork(work: Callable[[], None]) -> int:
    """A process that does that, with all that is imported already."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return child


def serve(given: argparse.Namespace, told: Path) -> None:
    store = RedisBackend(given.redis, prefix=given.prefix, timeout=2, connect_timeout=2)
    cache = Cache(store, namespace="workers", deadline=2)  # more than two busy cores need
    app = ResponseCache(application(cache, Runs(given.runs)), cache)
    config = uvicorn.Config(app, LOOPBACK, 0, log_level="warning")
    Server(config, told).run()


if __name__ == "__main__":
    main()
