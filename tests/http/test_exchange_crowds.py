"""Clients that come and go as chance will have it, and applications that fail at any point."""

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from cachekit import Cache
from cachekit.clock import SYSTEM
from cachekit.http import ResponseCache
from cachekit.http.exchange import Message, Receive, Scope, Send
from tests.core.slow_store import Shelf, SlowStore
from tests.http.helpers import chunk, scope_of, start

KINDS = (
    "max-age=60",
    "max-age=0, stale-while-revalidate=60",
    "private",
    "no-cache",
    "no-store",
    "max-age=0, stale-if-error=60",
    "public",
)
LIMIT = 64
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 20))]


class Fault(Exception):
    """What the application raises."""


async def pause(random: Random) -> None:
    for _ in range(random.choice([0, 0, 1, 3, 10])):
        await asyncio.sleep(0)


class App:
    """Answers by path, with a body of path and user; what is not private says nothing of users."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        random = self._random
        number = int(scope["path"][1:])
        kind, large, told = KINDS[number % len(KINDS)], number % 3 == 2, number % 2
        body = body_of(scope["path"], user_of(scope) if kind == "private" else b"all", large)
        lines = [(b"cache-control", kind.encode()), (b"etag", b'"%d"' % number)]
        if told:
            lines.append((b"content-length", b"%d" % len(body)))
        await self._perhaps_fail()
        if await self._answered_in_brief(scope, send):
            return
        await send(start(200, lines))
        for at in range(0, len(body), 16):
            await self._perhaps_fail()
            await send(chunk(body[at : at + 16], more=True))
        await send(chunk(b"", more=False))
        await self._perhaps_fail()
        if random.random() < 0.1:
            await receive()
            await receive()

    async def _answered_in_brief(self, scope: Scope, send: Send) -> bool:
        """Perhaps a 304, to who asks for one, or a 503."""
        asked = dict(scope["headers"]).get(b"if-none-match")
        if asked is not None and self._random.random() < 0.5:
            await send(start(304, [(b"etag", asked)]))
        elif self._random.random() < 0.1:
            await send(start(503, []))
        else:
            return False
        await send(chunk(b"", more=False))
        return True

    async def _perhaps_fail(self) -> None:
        await pause(self._random)
        if self._random.random() < 0.03:
            raise Fault


def body_of(path: str, user: bytes, large: bool) -> bytes:
    return b"%b for %b." % (path.encode(), user) * (10 if large else 2)


def user_of(scope: Scope) -> bytes:
    user: bytes = dict(scope["headers"])[b"x-who"]
    return user


@dataclass
class Visitor:
    """A client that may stop to take anything at some point."""

    scope: Scope
    random: Random
    got: list[Message] = field(default_factory=list[Message])
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._left = self.random.choice([0, 1, 2, 5, 1000, 1000, 1000])

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await pause(self.random)
        self._left -= 1
        if self._left < 0:
            self.gone.set()
            raise OSError("gone")
        self.got.append(message)
        if self.is_complete:  # servers say so then, too
            self.gone.set()

    @property
    def is_complete(self) -> bool:
        return bool(self.got) and not self.got[-1].get("more_body", True)

    def check(self) -> None:
        path = self.scope["path"]
        number = int(path[1:])
        if not self.got or self.got[0]["status"] == 503:
            return
        assert self.got[0]["status"] == 200
        user = user_of(self.scope) if KINDS[number % len(KINDS)] == "private" else b"all"
        body = b"".join(message.get("body", b"") for message in self.got)
        whole = body_of(path, user, number % 3 == 2)
        assert body == whole if self.is_complete else whole.startswith(body)


async def visit(app: ResponseCache, visitor: Visitor) -> None:
    asking = asyncio.create_task(app(visitor.scope, visitor.receive, visitor.send))
    if visitor.random.random() < 0.2:
        await pause(visitor.random)
        await pause(visitor.random)
        asking.cancel()
    result = (await asyncio.gather(asking, return_exceptions=True))[0]
    visitor.gone.set()
    assert result is None or isinstance(result, Fault | OSError | asyncio.CancelledError)
    visitor.check()


@pytest.fixture(params=["near", "far"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    store = SlowStore(Shelf(SYSTEM)) if request.param == "far" else None
    async with Cache(store, namespace="http", load_timeout=5) as cache:
        yield cache


@pytest.mark.parametrize("seed", SEEDS)
async def test_nobody_gets_anything_else_and_nothing_is_left(cache: Cache, seed: int) -> None:
    random, complaints = Random(seed), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    before = asyncio.all_tasks()
    app = ResponseCache(App(random), cache, max_body_bytes=LIMIT)
    visits: list[asyncio.Task[None]] = []
    for number in range(300):
        who = (b"x-who", b"user %d" % number)
        scope = scope_of(f"/{random.randrange(21)}", headers=[who])
        visits.append(asyncio.create_task(visit(app, Visitor(scope, random))))
        await pause(random)
    async with asyncio.timeout(20):
        await asyncio.gather(*visits)
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left)
    gc.collect()
    assert not complaints
