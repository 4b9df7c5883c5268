"""Bytes that are no entry, and entries that are read in the middle of a change."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from cachekit.backend import REFUSED
from cachekit.entry import Entry, Kind
from cachekit.envelope import pack
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from cachekit_redis.life import who
from tests.redis.pair import HALF, TIMEOUT, Pair
from tests.redis.place import Place, write
from tests.redis.scripted import INFO, NOTHING, ScriptedServer, bulk, many, scripted
from tests.servers.cluster import slot_of
from tests.servers.server import RedisServer
from tests.stores.scripted import Asked, silent, until

LIFE = who([INFO, INFO, None]).life


def stored(key: str, entry: Entry) -> bytes:
    """What a server says of it."""
    return bulk(LIFE + pack(key, entry))


async def test_who_reads_does_not_wait_until_what_cannot_be_read_is_gone() -> None:
    """Writes may hang where reads are answered: `CLIENT PAUSE … WRITE`, which a failover uses."""
    there = stored("v:k", an_entry(version=5))

    def say(asked: Asked) -> bytes:
        return many(bulk(LIFE + b"junk"), there) if asked[0] == b"MGET" else b""

    before = asyncio.all_tasks()
    async with scripted(say) as server:
        backend = RedisBackend(server.url, timeout=TIMEOUT, connections=1)
        reads = asyncio.gather(*(backend.read(["v:junk", "v:k"]) for _ in range(3)))
        for found in await asyncio.wait_for(reads, 10):
            told = [(key, getattr(entry, "version", 0)) for key, entry in found.items()]
            assert told == [("v:k", 5)]
        assert backend.unreadable == 3
        await until(lambda: server.asked[-1][:2] == [b"GET", b"ck:v:junk"])
        assert sum(asked[0] == b"GET" for asked in server.asked) == 1  # one attempt at a time
        await backend.close()
        assert asyncio.all_tasks() - before <= {asyncio.current_task()}


async def test_who_writes_to_what_could_not_be_read_writes_to_nothing(
    redis_server: RedisServer, prefix: str
) -> None:
    """Of bytes that are torn the version may still be there, and is not to count."""
    place = Place(redis_server, prefix)
    backend = place.backend()
    for number in range(20):
        key = f"v:{number}"
        await write(backend, key, an_entry(version=5, keep=60.0))
        place.ask("APPEND", key, "?")
        assert await backend.read([key]) == {}
        assert await write(backend, key, an_entry(version=6, keep=60.0), 5) is REFUSED
    await backend.close()


# -- on a Cluster


KEY = next(f"v:{n}" for n in range(99) if slot_of(f"ck:v:{n}".encode()) >= HALF)
TAG = next(f"t:{n}" for n in range(99) if slot_of(f"ck:t:{n}".encode()) < HALF)


class Skewed:
    """The first node has the record of a tag, the second one what carries it."""

    def __init__(self, pair: Pair, carried: int) -> None:
        self.backend = pair.backend()
        self.record: Entry | None = None
        self.reads: list[bytes] = []
        self._pair = pair
        self._entry = an_entry(version=5, tags={TAG: carried})
        for node in pair.nodes:
            node.say = self.say

    def say(self, asked: Asked) -> bytes:
        if asked[0] != b"GET":
            return self._pair.say(asked)
        self.reads.append(asked[1])
        if asked[1] == f"ck:{KEY}".encode():
            return stored(KEY, self._entry)
        return NOTHING if self.record is None else stored(TAG, self.record)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with scripted() as first, scripted() as second:
        yield Pair(first, second)


def record(version: int) -> Entry:
    return Entry(Kind.TAG, version, keep=60.0)


async def read_in_the_middle(
    skewed: Skewed, server: ScriptedServer, then: Entry | None
) -> Mapping[str, object]:
    """The tag is read at once; then its record is `then`; then the key is read."""
    say, server.say = server.say, silent
    reading = asyncio.ensure_future(skewed.backend.read([KEY, TAG]))
    await until(lambda: bool(skewed.reads) and any(a[0] == b"GET" for a in server.asked))
    skewed.record, server.say = then, say
    server.tell(say([b"GET", f"ck:{KEY}".encode()]))
    found = await reading
    await skewed.backend.close()
    return {key: getattr(entry, "version", entry) for key, entry in found.items()}


@pytest.mark.parametrize("before", [None, record(6)])
@pytest.mark.parametrize("then", [None, record(7), record(8)])
async def test_a_record_is_not_older_than_what_carries_it(
    pair: Pair, before: Entry | None, then: Entry | None
) -> None:
    skewed = Skewed(pair, carried=7)
    skewed.record = before
    found = await read_in_the_middle(skewed, pair.other, then)
    assert found == {KEY: 5} | ({TAG: then.version} if then else {})
    assert sorted(skewed.reads) == sorted([f"ck:{KEY}".encode(), *[f"ck:{TAG}".encode()] * 2])


async def test_what_holds_is_read_once(pair: Pair) -> None:
    skewed = Skewed(pair, carried=7)
    skewed.record = record(7)
    found = await read_in_the_middle(skewed, pair.other, record(7))
    assert found == {KEY: 5, TAG: 7}
    assert len(skewed.reads) == 2


async def test_what_nobody_asked_for_is_not_read(pair: Pair) -> None:
    skewed = Skewed(pair, carried=7)
    assert list(await skewed.backend.read([KEY])) == [KEY]
    assert skewed.reads == [f"ck:{KEY}".encode()]
    await skewed.backend.close()


async def test_one_server_answers_in_one_moment() -> None:
    def say(asked: Asked) -> bytes:
        return many(stored(KEY, an_entry(version=5, tags={TAG: 7})), NOTHING)

    async with scripted(say) as server:
        backend = RedisBackend(server.url, timeout=TIMEOUT)
        assert list(await backend.read([KEY, TAG])) == [KEY]
        assert sum(asked[0] == b"MGET" for asked in server.asked) == 1
        await backend.close()
