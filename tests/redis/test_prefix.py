"""Forgetting by prefix: just that, on every server, and never by what empties or holds up one."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachekit import Cache, Prefix
from cachekit.backend import DONE, Write
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from cachekit_redis.prefixes import literally
from tests.redis.place import PATIENCE, Place
from tests.servers.fixtures import Starter
from tests.servers.server import RedisServer

SPECIAL: Final = "*?[]^-\\"

TEXTS: Final = st.text(alphabet="ab" + SPECIAL, max_size=4)


async def put(backend: RedisBackend, keys: Iterable[str]) -> None:
    writes = [Write(key, an_entry(keep=60.0)) for key in keys]
    assert await backend.write(writes) == [DONE] * len(writes)


def calls(server: RedisServer) -> dict[str, int]:
    """How often each command was sent to it, or by a script."""
    told: dict[str, Any] = server.command("INFO", "commandstats")
    return {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in told.items()}


def since(before: dict[str, int], server: RedisServer) -> dict[str, int]:
    """What was sent more, but for what asks about that."""
    now = {name: count - before.get(name, 0) for name, count in calls(server).items()}
    return {name: count for name, count in now.items() if count and name != "info"}


@pytest.mark.parametrize("character", SPECIAL)
async def test_a_character_stands_for_itself(
    place: Place, backend: RedisBackend, character: str
) -> None:
    meant = [f"v:n:a{character}", f"v:n:a{character}c", f"v:n:a{character}{character}"]
    others = ["v:n:a", "v:n:ac", "v:n:abc", f"v:n:b{character}c", f"v:n:{character}"]
    others += [f"v:n:a\\{character}c"] if character != "\\" else []
    await put(backend, meant + others)
    assert await backend.forget_prefix([f"v:n:a{character}"]) is DONE
    assert sorted(await backend.read(meant + others)) == sorted(others)


@given(st.sets(TEXTS, min_size=1, max_size=30), st.lists(TEXTS, min_size=1, max_size=3))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_begins_with_a_prefix_and_nothing_else(
    redis_server: RedisServer, prefix: str, keys: set[str], prefixes: list[str]
) -> None:
    async def look() -> None:
        backend = RedisBackend(redis_server.url, prefix=prefix, timeout=PATIENCE)
        await put(backend, keys)
        assert await backend.forget_prefix(prefixes) is DONE
        left = set(await backend.read(list(keys)))
        assert left == {key for key in keys if not key.startswith(tuple(prefixes))}
        await backend.close()

    asyncio.run(look())


PUT_AND_SCAN: Final = """
redis.call('SET', KEYS[1], 1, 'PX', 50)
return redis.call('SCAN', 0, 'MATCH', ARGV[1], 'COUNT', 1000000)
"""


@given(st.binary(max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_pattern_matches_its_text(redis_server: RedisServer, text: bytes) -> None:
    """Whatever bytes there are."""
    key = b"literal:" + text
    _, found = redis_server.command("EVAL", PUT_AND_SCAN, 1, key, literally(key))
    assert found == [key]


async def test_what_others_keep_there_stays(place: Place, prefix: str) -> None:
    """Those with another prefix, even one that begins alike, or holds a wild card."""
    wild = RedisBackend(place.url, prefix=f"{prefix}*:", timeout=PATIENCE)
    tame = RedisBackend(place.url, prefix=f"{prefix}x:", timeout=PATIENCE)
    longer = RedisBackend(place.url, prefix=f"{prefix}*:x:", timeout=PATIENCE)
    keys = [f"v:n:{n}" for n in range(20)]
    for backend in (wild, tame, longer):
        await put(backend, keys)
    assert await wild.forget_prefix(["v:"]) is DONE
    assert await wild.read(keys) == {}
    for backend in (tame, longer):
        assert len(await backend.read(keys)) == 20
    for backend in (wild, tame, longer):
        await backend.close()


async def test_other_namespaces_stay(place: Place) -> None:
    async def stored(cache: Cache) -> list[str]:
        return sorted(await cache.get_many(["report:1", "report:2", "other"]))

    caches = [Cache(place.backend(), namespace=name, deadline=PATIENCE) for name in ("n", "n2")]
    for cache in caches:
        await cache.set_many({"report:1": 1, "report:2": 2, "other": 3}, ttl=60)
    await caches[0].invalidate(Prefix("report:"))
    assert await stored(caches[0]) == ["other"]
    await caches[0].clear()
    assert await stored(caches[0]) == []
    assert await stored(caches[1]) == ["other", "report:1", "report:2"]
    for cache in caches:
        await cache.close()


@pytest.mark.parametrize("brace", ["", "{", "}", "{}", "{a}", "a}b{c"])
async def test_prefixes_that_say_where_keys_are(place: Place, prefix: str, brace: str) -> None:
    """On a Cluster what is in braces decides about the server."""
    backend = RedisBackend(place.url, prefix=prefix + brace, timeout=PATIENCE)
    keys = [f"v:{{{n}}}:{brace}{n}" for n in range(30)]
    await backend.write([Write(key, an_entry(keep=60.0), announce=True) for key in keys])
    assert len(await backend.read(keys)) == 30
    assert await backend.forget_prefix(["v:{1", "v:{2}"]) is DONE
    assert len(await backend.read(keys)) == 30 - 12
    told = Place(place._servers, prefix + brace).announced()  # pyright: ignore[reportPrivateUsage]
    assert told[-2:] == [{b"p": b"v:{1"}, {b"p": b"v:{2}"}]
    assert len(told) == 32
    await backend.close()


async def test_more_than_a_scan_looks_at_in_one_step(place: Place, backend: RedisBackend) -> None:
    many = [f"v:many:{n}" for n in range(5000)]
    await put(backend, [*many, "v:one"])
    assert await backend.forget_prefix(["v:many:"]) is DONE
    assert list(await backend.read([*many, "v:one"])) == ["v:one"]


async def test_it_is_announced_once_it_is_done(place: Place, backend: RedisBackend) -> None:
    await put(backend, ["v:a", "v:b"])
    assert await backend.forget_prefix(["v:a", "v:none"]) is DONE
    assert place.announced() == [{b"p": b"v:a"}, {b"p": b"v:none"}]
    assert await backend.forget_prefix([]) is DONE
    assert len(place.announced()) == 2


async def everything(cache: Cache, keys: Sequence[str]) -> None:
    await cache.set_many(dict.fromkeys(keys, 1), ttl=60, tags=["t"])
    await cache.get_or_set("k", lambda: 1, tags=["t"])
    await cache.delete("k")
    await cache.invalidate(Prefix("k:1"))
    await cache.clear()


async def test_what_empties_or_holds_up_a_server_is_never_sent(start: Starter, prefix: str) -> None:
    place = Place(start(RedisServer()), prefix)
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        await everything(cache, [f"k:{n}" for n in range(1500)])
    sent = calls(place.servers[0])
    assert sent["scan"] >= 1
    assert not sent.keys() & {"keys", "flushdb", "flushall", "randomkey", "dbsize", "config"}


async def test_clear_is_one_write_whatever_there_is(
    start: Starter, prefix: str, once: None
) -> None:
    place = Place(start(RedisServer()), prefix)
    server = place.servers[0]
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        sent: list[dict[str, int]] = []
        for size in (1, 1500):
            keys = [f"k:{n}" for n in range(size)]
            await cache.set_many(dict.fromkeys(keys, 1), ttl=60)
            before = calls(server)
            await cache.clear()
            sent.append(since(before, server))
            assert await cache.get_many(keys) == {}
        assert server.command("DBSIZE") >= 1500
    assert sent[0] == sent[1] == {"evalsha": 1, "set": 1, "xadd": 1}
