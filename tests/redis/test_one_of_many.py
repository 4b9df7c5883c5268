"""A node of a Cluster that does not answer: what is on the others is not lost with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from cachekit.backend import DONE, UNREACHED, Found, Outcome, Unreached, Write
from cachekit_redis import RedisBackend
from tests.redis.pair import HALF, TIMEOUT, Pair
from tests.redis.scripted import NOTHING, bulk, introduced, many, scripted
from tests.servers.cluster import slot_of
from tests.stores.scripted import Asked, LoopClock, told, until

SHORT = 3.0
KEYS = [f"v:{n}" for n in range(20)]


def is_sick(key: str) -> bool:
    return slot_of(f"ck:{key}".encode()) >= HALF


def sick(found: Found) -> Sequence[str]:
    return sorted(key for key, answer in found.items() if isinstance(answer, Unreached))


SICK = sorted(filter(is_sick, KEYS))


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with scripted() as well, scripted() as other:
        yield Pair(well, other)


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
async def backend(pair: Pair) -> AsyncIterator[RedisBackend]:
    """It has asked both nodes before, by one connection to each."""
    before = asyncio.all_tasks()
    backend = pair.backend(connections=1)
    await backend.open()
    assert await backend.read(KEYS) == {}
    for node in pair.nodes:
        node.asked.clear()
    yield backend
    await backend.close()
    await until(lambda: not any(node.guests for node in pair.nodes))
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


def reading(backend: RedisBackend) -> "asyncio.Task[Found]":
    return asyncio.ensure_future(backend.read(KEYS))


async def test_what_a_silent_node_has_is_unreached_and_nothing_else(
    pair: Pair, backend: RedisBackend, clock: LoopClock
) -> None:
    pair.falls_silent()
    task = reading(backend)
    await until(lambda: all(node.asked for node in pair.nodes))
    clock.advance(TIMEOUT)
    assert sick(await task) == SICK
    assert 0 < len(SICK) < len(KEYS)


async def test_what_is_written_to_the_others_is_acknowledged(
    pair: Pair, backend: RedisBackend, clock: LoopClock
) -> None:
    pair.falls_silent()
    task = asyncio.ensure_future(backend.write([Write(key, None) for key in KEYS]))
    await until(lambda: all(node.asked for node in pair.nodes))
    clock.advance(TIMEOUT)
    expected: list[Outcome] = [UNREACHED if is_sick(key) else DONE for key in KEYS]
    assert await task == expected


async def test_the_time_to_connect_is_a_part_of_it(pair: Pair, clock: LoopClock) -> None:
    pair.other.greet = lambda asked: b"" if asked[0] == b"SCRIPT" else introduced(asked)
    backend = pair.backend(SHORT, connect_timeout=TIMEOUT)
    task = reading(backend)
    await until(lambda: any(asked[0] == b"SCRIPT" for asked in pair.other.asked))
    await until(lambda: any(asked[0] == b"GET" for asked in pair.well.asked))
    clock.advance(0.9 * SHORT)
    pair.falls_silent()
    pair.other.tell(b"+sha\r\n" * sum(asked[0] == b"SCRIPT" for asked in pair.other.asked))
    await until(lambda: pair.other.asked[-1][0] == b"GET")
    clock.advance(0.2 * SHORT)
    assert sick(await task) == SICK
    assert pair.other.guests
    await backend.close()


async def test_a_slow_node_is_not_waited_for_and_what_it_says_then_is_nobodys(
    pair: Pair, backend: RedisBackend, clock: LoopClock
) -> None:
    """As long as some of it comes the connection is kept, and what comes later is its next one."""
    pair.falls_silent()
    before = asyncio.all_tasks()
    task = reading(backend)
    await until(lambda: all(node.asked for node in pair.nodes))
    clock.advance(0.9 * TIMEOUT)
    pair.other.tell(bulk(b"late"))
    await until(lambda: len(asyncio.all_tasks() - before) == 2)  # the well one has answered
    clock.advance(0.2 * TIMEOUT)
    assert sick(await task) == SICK
    pair.other.say = pair.say
    pair.other.tell(NOTHING * (len(SICK) - 1))
    assert await backend.read(KEYS) == {}
    assert pair.other.met == 1


async def test_what_is_given_up_is_not_cancelled_until_all_is_closed(
    pair: Pair, backend: RedisBackend, clock: LoopClock
) -> None:
    pair.falls_silent()
    task = reading(backend)
    await until(lambda: all(node.asked for node in pair.nodes))
    before = asyncio.all_tasks()
    clock.advance(0.9 * TIMEOUT)
    pair.other.tell(bulk(b"late"))
    for _ in range(10):
        await asyncio.sleep(0)
    clock.advance(0.2 * TIMEOUT)
    await task
    (late,) = (asyncio.all_tasks() & before) - {asyncio.current_task()}
    assert not late.cancelling()
    await backend.close()
    assert late.cancelled()


async def test_no_connection_is_made_after_the_end(pair: Pair, backend: RedisBackend) -> None:
    for wait in range(5):
        await backend.close()
        await backend.open()
        tasks = [reading(backend) for _ in range(3)]
        for _ in range(wait):
            await asyncio.sleep(0)
        await backend.close()
        await asyncio.gather(*map(told, tasks))
        await until(lambda: not any(node.guests for node in pair.nodes))
        assert isinstance(await told(backend.read(KEYS)), ConnectionError)


@pytest.mark.parametrize("host", [b"", b"?"])
async def test_a_host_that_is_not_told_is_the_one_that_was_asked(pair: Pair, host: bytes) -> None:
    pair.hosts = [host, host]
    backend = pair.backend()
    assert await backend.read(KEYS) == {}
    assert sum(asked[0] == b"GET" for asked in pair.other.asked) == len(SICK)
    await backend.close()


@pytest.mark.parametrize("host", [b"", b"?"])
@pytest.mark.parametrize("kind", [b"MOVED", b"ASK"])
async def test_the_same_where_one_is_sent_to(
    pair: Pair, backend: RedisBackend, kind: bytes, host: bytes
) -> None:
    pair.other.say = lambda asked: b"-%s %d %s:%d\r\n" % (kind, HALF, host, pair.well.port)
    assert await backend.read(KEYS) == {}
    assert sum(asked[0] == b"GET" for asked in pair.well.asked) == len(KEYS)


# -- by prefix


class Moving:
    """A key that two nodes have by turns: in each scan of both of them, as `there` has it."""

    def __init__(self, pair: Pair, there: Sequence[tuple[bool, bool]]) -> None:
        self.scans = [0, 0]
        self.unlinked = 0
        self._there = there
        self._pair = pair
        pair.well.say = lambda asked: self.say(asked, 0)
        pair.other.say = lambda asked: self.say(asked, 1)

    def say(self, asked: Asked, node: int) -> bytes:
        if asked[0] == b"UNLINK":
            self.unlinked += 1
            return b":1\r\n"
        if asked[0] != b"SCAN":
            return self._pair.say(asked)
        self.scans[node] += 1
        scan = self.scans[node] - 1
        found = scan < len(self._there) and self._there[scan][node]
        return many(bulk(b"0"), many(*[bulk(b"ck:v:k")] * found))


MOVES = (False, False), (True, False)
"""It comes to the first node after that was scanned, and before the second one is."""


async def test_what_may_have_moved_is_looked_for_again(pair: Pair) -> None:
    """Until nothing is found twice: a slot that is on its way is in no map."""
    moving = Moving(pair, MOVES)
    backend = pair.backend(trust_restart=True)
    assert await backend.forget_prefix(["v:"]) is DONE
    assert moving.scans == [4, 4]
    assert moving.unlinked == 1
    await backend.close()


async def test_what_never_comes_to_rest_is_not_acknowledged(pair: Pair) -> None:
    Moving(pair, [(True, False)] * 1000)
    backend = pair.backend(trust_restart=True)
    assert "whenever the servers were scanned" in str(await told(backend.forget_prefix(["v:"])))
    await backend.close()


async def test_what_moves_is_absent_anyway_where_lives_are_told_apart(pair: Pair) -> None:
    moving = Moving(pair, MOVES)
    backend = pair.backend()
    assert await backend.forget_prefix(["v:"]) is DONE
    assert moving.scans == [1, 1]
    await backend.close()
