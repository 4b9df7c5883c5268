"""The stream of changes: how long it is, and what becomes of a change that it does not take."""

import logging
from functools import partial

import pytest
from hiredis import ReplyError

from cachekit import Cache, InvalidationError, Key, Prefix, Tag, Target
from cachekit.backend import ABSENT, ANY, DONE, UNREACHED, Condition, Write
from cachekit.testing.backends.entries import an_entry
from cachekit_redis import RedisBackend
from tests.redis.place import PATIENCE, Place, write
from tests.stores.calls import asked_again, guarded

ANNOUNCED = {
    str(Key("k")): {b"k": b"v:n:k"},
    str(Tag("t")): {b"k": b"t:n:t"},
    str(Prefix("k")): {b"p": b"v:n:k"},
    str(None): {b"k": b"t:n~home"},
}

NODE = 100
"""Redis trims whole nodes of so many events."""


async def test_about_so_many_are_kept(place: Place) -> None:
    backend = place.backend(changes=300)
    for begin in range(0, 2000, 500):
        keys = [f"v:{n}" for n in range(begin, begin + 500)]
        await backend.write([Write(key, an_entry(keep=60.0), announce=True) for key in keys])
    assert 300 <= place.ask("XLEN", "~changes") <= 300 + NODE
    assert place.announced()[-1][b"k"] == b"v:1999"
    for n in range(0, 1000, 100):
        await backend.forget_prefix([f"v:x{n + each}" for each in range(100)])
    assert 300 <= place.ask("XLEN", "~changes") <= 300 + NODE
    await backend.close()


async def test_all_backends_announce_in_one_stream(place: Place) -> None:
    backends = [place.backend() for _ in range(3)]
    for n, backend in enumerate(backends):
        assert await write(backend, f"v:{n}", None, announce=True) is DONE
        await backend.close()
    assert [event[b"k"] for event in place.announced()] == [b"v:0", b"v:1", b"v:2"]


async def test_the_stream_is_not_forgotten_with_what_it_tells_of(
    place: Place, backend: RedisBackend
) -> None:
    assert await write(backend, "v:k", an_entry(), announce=True) is DONE
    assert await backend.forget_prefix(["v:", "t:", "c:"]) is DONE
    assert len(place.announced()) == 4
    assert place.ask("PTTL", "~changes") == -1


@pytest.mark.parametrize("expected", [ANY, ABSENT, 5], ids=str)
async def test_a_change_that_cannot_be_announced_is_not_acknowledged(
    place: Place, backend: RedisBackend, expected: int | Condition
) -> None:
    """Though it may have been made: who follows the stream has not heard of it."""
    place.ask("SET", "~changes", "no stream")
    if expected == 5:
        await write(backend, "v:k", an_entry(version=5))
    for entry in (an_entry(version=6), None):
        with pytest.raises(ReplyError, match="WRONGTYPE"):
            await write(backend, "v:k", entry, expected if entry else ANY, announce=True)
    with pytest.raises(ReplyError, match="WRONGTYPE"):
        await backend.forget_prefix(["v:"])


async def test_one_that_cannot_be_announced_harms_no_other(
    place: Place, backend: RedisBackend, caplog: pytest.LogCaptureFixture
) -> None:
    place.ask("SET", "~changes", "no stream")
    writes = [
        Write("v:a", an_entry(), announce=True),
        Write("v:b", an_entry()),
        Write("v:c", None, announce=True),
    ]
    with caplog.at_level(logging.WARNING, "cachekit"):
        for _ in range(2):
            assert await backend.write(writes) == [UNREACHED, DONE, UNREACHED]
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "Redis does not do all that it is asked for"
    ]


@pytest.mark.parametrize("target", [Key("k"), Tag("t"), Prefix("k"), None], ids=str)
async def test_what_forgets_raises_if_nobody_can_be_told(
    place: Place, target: Target | None
) -> None:
    """Whoever goes on to forget is told, too, until it could be announced."""
    async with Cache(guarded(place.backend()), namespace="n", deadline=PATIENCE) as cache:
        work = cache.clear if target is None else partial(cache.invalidate, target)
        await cache.get_or_set("k", lambda: 1, ttl=60, tags=["t"])
        place.ask("SET", "~changes", "no stream")
        for _ in range(2):
            with pytest.raises(InvalidationError, match="WRONGTYPE"):
                await work()
        place.ask("DEL", "~changes")
        await asked_again(cache)
        assert place.announced() == [ANNOUNCED[str(target)]]
        await work()
        assert place.announced() == [ANNOUNCED[str(target)]] * 2
