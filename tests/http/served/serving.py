"""A uvicorn on a free port of the loopback, in the loop of the test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import uvicorn

from cachekit import Cache
from cachekit.http.exchange import App
from cachekit.http.response_cache import ResponseCache
from tests.http.served.wire import Answer, Wire, wire_to
from tests.servers.ports import LOOPBACK

UNTIL = 5.0
"""Seconds in which all requests have to end when their clients are gone."""


class Site:
    """An application that is served."""

    def __init__(self, app: App, stack: AsyncExitStack, http: str) -> None:
        self.app = app
        self._stack = stack
        config = uvicorn.Config(
            app, LOOPBACK, 0, http=http, ws="auto", lifespan="off", log_config=None, loop="none"
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)

    async def start(self) -> None:
        await self._server.startup()
        await self._server.on_tick(0)  # it makes the Date

    @property
    def port(self) -> int:
        [listener] = self._server.servers[0].sockets
        port: int = listener.getsockname()[1]
        return port

    @property
    def running(self) -> int:
        """How many requests have not ended."""
        return len(self._server.server_state.tasks)

    @property
    def connected(self) -> int:
        """How many connections the server knows of."""
        return len(self._server.server_state.connections)

    async def wire(self) -> Wire:
        """A connection, which is closed when the test is over."""
        return await self._stack.enter_async_context(wire_to(self.port))

    async def get(self, path: str, method: str = "GET", **fields: str) -> Answer:
        """One answer, on a connection of its own."""
        async with wire_to(self.port) as wire:
            return await wire.get(path, method, **fields)

    async def end(self) -> None:
        """Close all connections; all that runs for them has to end by itself."""
        self._server.servers[0].close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        tasks = self._server.server_state.tasks
        while tasks:
            done, _ = await asyncio.wait(tasks, timeout=UNTIL)
            assert done, f"{tasks} did not end"
            await asyncio.sleep(0)


class Serving:
    """Serves applications until the test is over, and looks that nothing is left of them."""

    def __init__(self, stack: AsyncExitStack, http: str) -> None:
        self._stack = stack
        self.http = http
        self.cache = Cache(load_timeout=8)

    async def __call__(self, app: App) -> Site:
        site = Site(app, self._stack, self.http)
        await site.start()
        self._stack.push_async_callback(site.end)
        return site

    async def cached(self, app: App, **options: Any) -> Site:
        """The application behind a response cache."""
        return await self(ResponseCache(app, self.cache, **options))


async def serving(http: str) -> AsyncGenerator[Serving]:
    """For a fixture."""
    before, complaints = asyncio.all_tasks(), list[dict[str, Any]]()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    async with AsyncExitStack() as stack:
        serving = Serving(stack, http)
        stack.push_async_callback(serving.cache.close)
        yield serving
    await _ended(before)
    assert not complaints


async def _ended(before: set[asyncio.Task[Any]]) -> None:
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, late = await asyncio.wait(left, timeout=UNTIL)
        assert not late, f"still running: {late}"
