"""Whatever happens in whatever order: what was announced is heard, once and in order, or lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from random import Random

import pytest

from cachekit_redis import RedisBackend
from tests.redis.following import FOREVER, Follower, announce
from tests.redis.lives import begin_another_life
from tests.redis.place import Place
from tests.servers.server import RedisServer
from tests.stores.scripted import told

STEPS = 60
KEPT = 200
"""Changes in the stream; fewer are announced without a look at them, but for one step."""


@pytest.fixture(scope="module")
def server(server_installed: str) -> Iterator[RedisServer]:
    with RedisServer(settings={"enable-debug-command": "yes"}) as server:
        yield server


class Story:
    """`due` was announced and is yet to be heard; `lossy`: some of it may be gone."""

    def __init__(self, place: Place, backends: tuple[RedisBackend, RedisBackend], seed: int):
        self.random = Random(seed)
        self.due: list[str] = []
        self.lossy = True
        self.cut = False
        self.heard = self.losses = 0
        self._place = place
        self._server = place.servers[0]
        self._backend, reader = backends
        self._follower = Follower(reader)
        self._told = 0
        self._steps: dict[Callable[[], Awaitable[None]], int] = {
            self.tell: 20,
            self.ask: 30,
            self.give_up: 10,
            self.lose_the_connection: 5,
            self.trim: 3,
            self.overflow: 1,
            self.empty: 1,
            self.empty_and_set_the_clock_back: 1,
            self.begin_another_life: 1,
        }

    async def go_on(self) -> None:
        (step,) = self.random.choices(list(self._steps), list(self._steps.values()))
        await step()

    async def tell(self) -> None:
        await self._tell(self.random.randrange(1, 20))

    async def _tell(self, count: int) -> None:
        keys = [f"v:{self._told + n}" for n in range(count)]
        self._told += count
        await announce(self._backend, keys)
        self.due += keys

    async def ask(self) -> None:
        """The answer is the next part of what is due, and complete with the last one."""
        self._follower.heard = heard = list[str]()
        try:
            news = await self._follower.ask()
        except Exception as error:
            if not self.cut:
                raise AssertionError("it fails though nothing was cut") from error
            self.cut = False
            return
        self.cut = False
        if news.lost:
            assert self.lossy
            self.lossy, self.due = False, []
            self.losses += 1
        assert heard == self.due[: len(heard)]
        del self.due[: len(heard)]
        self.heard += len(heard)
        assert not (news.complete and self.due)

    async def end(self) -> None:
        """All that is due is heard, or lost."""
        while self.due:
            await self.ask()

    async def give_up(self) -> None:
        """At some moment between the question and the answer."""
        asking = asyncio.create_task(self._follower.feed.news(self._follower.position, FOREVER))
        for _ in range(self.random.randrange(30)):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})

    async def lose_the_connection(self) -> None:
        self._server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        while await told(self._backend.read(["v:"])) is not None:
            pass
        self.cut = True

    async def trim(self) -> None:
        self._place.ask("XTRIM", "~changes", "MAXLEN", self.random.randrange(1, 40))
        self.lossy = True

    async def overflow(self) -> None:
        await self._tell(3 * KEPT)
        self.lossy = True

    async def empty(self) -> None:
        self._server.command("FLUSHALL")
        self.lossy = True

    async def empty_and_set_the_clock_back(self) -> None:
        """It has passed the present again by the next change."""
        await self.empty()
        self._place.ask("XADD", "~changes", "1-0", "k", "v:unheard")

    async def begin_another_life(self) -> None:
        begin_another_life(self._server)
        self.lossy = True


@pytest.fixture
async def backends(place: Place, prefix: str) -> AsyncIterator[tuple[RedisBackend, RedisBackend]]:
    writer, reader = (place.backend(changes=KEPT) for _ in range(2))
    yield writer, reader
    for each in (writer, reader):
        await each.close()


@pytest.fixture
def place(server: RedisServer, prefix: str) -> Place:
    return Place(server, prefix)


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_announced_is_heard_once_and_in_order_or_lost(
    place: Place,
    backends: tuple[RedisBackend, RedisBackend],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr("cachekit_redis.feed.COUNT", 7)  # so that many answers are not all
    story = Story(place, backends, seed)
    for _ in range(STEPS):
        await story.go_on()
    await story.end()
    assert story.heard > 30
    assert story.losses > 0
