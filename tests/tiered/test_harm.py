"""Harm to a server and to links: what was forgotten is gone everywhere, within the bound."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest

from cachekit import Key, Prefix, Tag
from cachekit.backend import DONE, Write
from cachekit_redis import RedisBackend
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer
from tests.servers.waiting import eventually
from tests.tiered.ages import now
from tests.tiered.two import BOUND, NEW, OLD, Two, two

STREAM: Final = "ck:~changes"
FUTURE: Final = "99999999999999-0"
"""An id that no clock has given yet."""


@pytest.fixture
def server(start: Starter) -> RedisServer:
    return start(RedisServer())


@pytest.fixture
async def pair(server: RedisServer) -> AsyncIterator[Two]:
    async with two(server) as pair:
        yield pair


async def test_what_one_forgets_the_other_does_not_serve_for_longer_than_that(pair: Two) -> None:
    await pair.warm("key", "tagged", "pre:fixed", tags=["tag"])
    await pair.warm("stays")
    async with pair.watched("key", "tagged", "pre:fixed"):
        acknowledged = await pair.forget(Key("key"), Tag("tag"), Prefix("pre:"))
        age = await pair.gone("key", "tagged", "pre:fixed", since=acknowledged)
    print(f"seen for {age:.3f} s")
    assert age < BOUND
    await eventually(lambda: pair.other.peek("stays") == "old", "what was not forgotten")


BACKLOGS: Final = [(1_500, 0.7), pytest.param((20_000, 5.0), marks=pytest.mark.long)]


@pytest.mark.parametrize("backlog", BACKLOGS, ids=str)
@pytest.mark.parametrize("kept", [100_000, 1_000], ids=lambda kept: f"{kept} are kept")
async def test_a_backlog_after_a_cut_is_read_before_anything_is_served(
    server: RedisServer, backlog: tuple[int, float], kept: int
) -> None:
    """Page by page; where part of it is not there any more, all is dropped."""
    changes, seconds = backlog
    async with two(server, changes=kept) as pair:
        await pair.warm("k")
        async with pair.watched("k"):
            await pair.cut()
            await announce(server, changes, kept)
            acknowledged = await pair.forget(Key("k"))  # at the end of it
            while now() < acknowledged + seconds:  # noqa: ASYNC110  it is time that is waited for
                await asyncio.sleep(0.01)
            mended = pair.mend()
            again = await pair.is_as_before("k")
        age = await pair.gone("k", since=acknowledged)
    print(f"{changes} changes: seen for {age:.3f} s, copies in use {again - mended:.3f} s later")
    assert age < BOUND


async def announce(server: RedisServer, changes: int, kept: int) -> None:
    """So many more, each of another key."""
    backend = RedisBackend(server.url, timeout=5.0, changes=kept)
    await backend.open()
    for begin in range(0, changes, 500):
        keys = range(begin, min(changes, begin + 500))
        writes = [Write(f"v:x:other{key}", None, announce=True) for key in keys]
        assert await backend.write(writes) == [DONE] * len(writes)
    await backend.close()


async def test_a_server_that_was_flushed_while_the_link_was_down_is_a_new_one(pair: Two) -> None:
    await pair.warm("k")
    async with pair.watched("k"):
        await pair.cut()
        acknowledged = await pair.forget(Key("k"))
        pair.server.command("FLUSHALL")  # and with it what was told
        pair.mend()
        await pair.is_as_before("k")
        age = await pair.gone("k", since=acknowledged)
    assert age < BOUND


async def test_what_was_flushed_and_is_not_loaded_again_is_dropped_too(pair: Two) -> None:
    """Nothing is announced of it."""
    await pair.warm("k")
    async with pair.watched("k"):
        pair.server.command("FLUSHALL")
        age = await pair.gone("k", since=now())
    assert age < BOUND


async def test_what_was_trimmed_past_a_slow_reader_is_dropped(pair: Two) -> None:
    """It comes back to a stream that goes on, but not from where it was."""
    await pair.warm("k")
    async with pair.watched("k"):
        await pair.cut()
        acknowledged = await pair.forget(Key("k"))
        await pair.forget(Key("other"))
        pair.server.command("XTRIM", STREAM, "MAXLEN", 1)
        pair.mend()
        await pair.is_as_before("k")
        age = await pair.gone("k", since=acknowledged)
    assert age < BOUND


async def test_what_comes_late_is_too_late_to_be_sure_of(pair: Two) -> None:
    """Nothing is lost on the way, and what was announced is told, an age later."""
    await pair.warm("k")
    async with pair.watched("k"):
        pair.hold()
        acknowledged = await pair.forget(Key("k"))
        age = await pair.gone("k", since=acknowledged)
        pair.release()
        await pair.is_as_before("k")
    assert age < BOUND


async def test_another_server_on_its_port_may_give_smaller_ids(pair: Two) -> None:
    """To ask it for what is later than the last one would be to wait for ever."""
    await pair.warm("k", "mark")
    pair.server.command("XADD", STREAM, FUTURE, "k", "v:x:mark")
    await eventually(lambda: pair.other.peek("mark") is None, "that it has read that")
    async with pair.watched("k"):
        pair.server.restart()
        acknowledged = await pair.forget(Key("k"))
        age = await pair.gone("k", since=acknowledged)
        assert age < BOUND
        await pair.is_as_before("k")
        seen = await pair.gone("k", since=acknowledged)
    (last,) = pair.server.command("XREVRANGE", STREAM, "+", "-", "COUNT", 1)
    assert last[0] < FUTURE.encode()
    assert seen < BOUND


async def test_what_the_server_has_evicted_is_forgotten_by_prefix(pair: Two) -> None:
    """It cannot name it any more."""
    await pair.warm("pre:k")
    for name in pair.server.command("KEYS", "ck:v:*"):
        pair.server.command("UNLINK", name)
    assert pair.other.peek("pre:k") == "old"
    async with pair.watched("pre:k"):
        age = await pair.gone("pre:k", since=await pair.forget(Prefix("pre:")))
    assert age < BOUND


async def test_what_is_added_in_the_place_of_what_was_evicted_is_what_all_have(pair: Two) -> None:
    """There was nothing to be forgotten, for who has asked the server."""
    async with asyncio.timeout(5):
        while pair.other.peek("k") != OLD:
            assert await pair.other.get_or_set("k", lambda: OLD) == OLD
            await asyncio.sleep(0.001)
    for name in pair.server.command("KEYS", "ck:v:*"):
        pair.server.command("UNLINK", name)
    async with pair.watched("k"):
        assert await pair.well.add("k", NEW)
        age = await pair.gone("k", since=now())
    assert age < BOUND
    assert await pair.other.get("k") == NEW


async def test_a_server_that_is_full_still_tells_what_is_forgotten(pair: Two) -> None:
    await pair.warm("key", "pre:k")
    await pair.warm("tagged", tags=["t"])
    pair.server.command("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1")
    async with pair.watched("key", "pre:k", "tagged"):
        acknowledged = await pair.forget(Key("key"))
        await pair.forget(Tag("t"))
        await pair.forget(Prefix("pre:"))
        age = await pair.gone("key", "pre:k", "tagged", since=acknowledged)
    assert age < BOUND
    for key in ("key", "pre:k", "tagged"):
        assert await pair.other.get_or_set(key, lambda: "new") == "new"
