"""Several processes that share a store."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.http.served.wire import Answer, wire_to
from tests.http.served.worker import Runs
from tests.servers.processes import ProcessGroup
from tests.servers.server import RedisServer
from tests.servers.waiting import until

WORKERS = 4
CLIENTS = 200


class Workers:
    """So many processes, each on a port of its own."""

    def __init__(self, group: ProcessGroup, redis: RedisServer, folder: Path) -> None:
        self.runs = Runs(folder / "runs")
        told = [folder / str(number) for number in range(WORKERS)]
        common = ["--redis", redis.url, "--prefix", uuid4().hex, "--runs", str(folder / "runs")]
        command = [sys.executable, "-m", "tests.http.served.worker", *common, "--told"]
        process = group.start([*command, *map(str, told)], folder / "log")

        def are_up() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            return all(file.exists() for file in told)

        until(are_up, "workers", seconds=60)
        self._ports = [int(file.read_text()) for file in told]

    async def all_get(self, path: str) -> list[Answer]:
        """What so many clients get who ask at once, in turns of the workers."""
        async with AsyncExitStack() as stack:
            wires = [
                await stack.enter_async_context(wire_to(self._ports[number % WORKERS]))
                for number in range(CLIENTS)
            ]
            for wire in wires:
                wire.ask(path)
            return await asyncio.gather(*(wire.answer() for wire in wires))


@pytest.fixture(scope="module")
def workers(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    group = ProcessGroup()
    try:
        yield Workers(group, redis_server, tmp_path_factory.mktemp("workers"))
    finally:
        group.end()


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("kind", ["whole", "value"])
async def test_the_handler_runs_once_for_all_clients(
    workers: Workers, kind: str, number: int
) -> None:
    path = f"/{kind}/{number}"
    answers = await workers.all_get(path)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert workers.runs.of(path) == 1
