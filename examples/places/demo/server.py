"""The service as a process of its own."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx

ROOT = Path(__file__).parents[3]
START = 30.0
"""Seconds a server has to come up."""

STOP = 5.0
"""Seconds a server has to end before it is killed."""


class Server(NamedTuple):
    """A running service."""

    url: str
    process: Process


class ServerError(Exception):
    """The server did not start, or is no longer there."""


@asynccontextmanager
async def serving(
    database: Path, *, cached: bool, store: str | None = None, name: str = "service"
) -> AsyncGenerator[Server]:
    """Run the service on `database` and a free port of this host; gives where it is.

    It keeps its values in `store`, as `PLACES_CACHE` has it, or where that says. `name` tells
    services on one database apart.

    Whatever happens inside, the process is ended. If it was the process that ended first, that
    is a `ServerError` with the last it wrote.
    """
    log = database.with_suffix(f".{name}.log")
    process = await _start(database, log, _environment(cached, store))
    try:
        url = await _url(process, log)
        await _up(url)
        yield Server(url, process)
    except httpx.TransportError as error:
        raise ServerError(f"no answer from the server: {error!r}{_last_words(log)}") from error
    finally:
        await _stop(process)


def _environment(cached: bool, store: str | None) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k != "PLACES_CACHE_DISABLED"}
    if not cached:
        environment["PLACES_CACHE_DISABLED"] = "1"
    if store is not None:
        environment["PLACES_CACHE"] = store
    return environment


async def _start(database: Path, log: Path, environment: dict[str, str]) -> Process:
    arguments = ["--database", str(database), "--log-level", "warning"]
    with log.open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "examples.places", *arguments),
            cwd=ROOT,
            env=environment,
            stdout=PIPE,
            stderr=stderr,
        )


async def _url(process: Process, log: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        raise ServerError(f"no server after {START:.0f} seconds{_last_words(log)}") from None
    found = re.search(r"http://[^/\s]+", line)
    if not found:
        raise ServerError(f"the server did not start{_last_words(log)}")
    return found[0]


async def _up(url: str) -> None:
    """Wait for the first answer: the port takes connections from the first moment on."""
    async with httpx.AsyncClient(timeout=START, trust_env=False) as client:
        (await client.get(f"{url}/health")).raise_for_status()


async def _stop(process: Process) -> None:
    for end in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP):
                await process.wait()
                return


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([", its last words:", *lines]) if lines else ""
