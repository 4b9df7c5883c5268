"""A store that fails costs a hit, and never an answer. Nor do any bytes in any field."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachekit import Cache
from cachekit.http import ResponseCache, Rule
from cachekit.http.exchange import Scope
from cachekit.testing import FakeClock, FaultyBackend, ReferenceBackend
from cachekit.testing.faulty import Fault
from tests.http.helpers import Client, Origin, Reply, Site, fresh, reply, rest, scope_of

BROKEN = [fault for fault in Fault if fault not in (Fault.NONE, Fault.LATE)]


def broken(chances: dict[Fault, float], clock: FakeClock, seed: int = 0) -> FaultyBackend:
    return FaultyBackend(ReferenceBackend(clock), chances, seed=seed)


@pytest.mark.parametrize("fault", BROKEN)
async def test_every_client_gets_an_answer_of_the_application(fault: Fault) -> None:
    clock = FakeClock()
    backend = broken({fault: 1.0}, clock)
    async with Cache(backend, namespace="http", clock=clock) as cache:
        at = Site(Origin(lambda scope: fresh(scope["path"])), cache, clock)
        for url in ("/a", "/b", "/a"):
            assert (await at.ask(url)).body == url.encode()
        assert {each.body for each in await at.asks(10)} == {b"/"}
        assert (await at.ask(method="POST")).status == 200


@pytest.mark.parametrize("seed", range(2))
async def test_nobody_gets_what_is_another_ones_from_a_store_that_fails_at_times(seed: int) -> None:
    clock = FakeClock()
    backend = broken(dict.fromkeys(BROKEN, 0.1), clock, seed)
    async with Cache(backend, namespace="http", clock=clock) as cache:
        at = Site(Origin(whoever), cache, clock, rules=[Rule(path="/*", cookies=["u"])])
        for step in range(60):
            user = f"u{step % 3}"
            by_name = scope_of("/", headers=[(b"authorization", user.encode())])
            by_cookie = scope_of("/", headers=[(b"cookie", b"u=" + user.encode())])
            by_language = scope_of("/v", headers=[(b"accept-language", user.encode())])
            for scope in (by_name, by_cookie, by_language):
                assert user.encode() in (await at.client.send(scope)).body
            clock.advance(0.5)
            await rest()


def whoever(scope: Scope) -> Reply:
    said = [value for name, value in scope["headers"] if name != b"host"]
    return fresh(b",".join(said), cache_control="public, max-age=3", vary="Accept-Language")


async def test_two_processes_share_what_is_stored() -> None:
    clock, origin = FakeClock(), Origin(fresh("one", etag='"1"'), reply(304))
    store = ReferenceBackend(clock)
    caches = [
        Cache(ReferenceBackend(clock, store.records), namespace="http", clock=clock)
        for _ in range(2)
    ]
    one, two = (Client(ResponseCache(origin, cache, clock=clock)) for cache in caches)
    await one.ask()
    clock.advance(9)
    got = await two.ask()
    assert (got.body, got["age"], got.cache) == (b"one", "9", "hit; ttl=51")
    clock.advance(60)
    assert (await two.ask()).cache == "fwd=stale; fwd-status=304"
    assert (await one.ask()).cache == "hit; ttl=60"
    for cache in caches:
        await cache.close()


NAMES = [
    *(b"cache-control", b"vary", b"etag", b"age", b"date", b"expires", b"last-modified"),
    *(b"content-length", b"set-cookie", b"connection", b"cache-groups", b"content-type"),
    *(b"if-none-match", b"if-modified-since", b"range", b"if-range", b"cookie", b"authorization"),
    *(b"pragma", b"accept-language", b"x"),
]
VALUES = st.binary(max_size=8) | st.sampled_from(
    [b"max-age=9", b"public, max-age=9", b'"1"', b"*", b"bytes=0-1", b"no-cache", b"x", b"3"]
)
LINES = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4)
RULES = [Rule(path="/", cookies=["x"])]


@settings(max_examples=20, deadline=None)
@given(LINES, LINES, LINES, st.sampled_from([200, 204, 304, 404, 500]))
def test_no_bytes_in_any_field_make_an_error(
    first: list[tuple[bytes, bytes]],
    second: list[tuple[bytes, bytes]],
    said: list[tuple[bytes, bytes]],
    status: int,
) -> None:
    asyncio.run(asked_twice(first, second, Reply(status, said, b"one")))


async def asked_twice(
    first: list[tuple[bytes, bytes]], second: list[tuple[bytes, bytes]], answer: Reply
) -> None:
    clock = FakeClock()
    async with Cache(clock=clock) as cache:
        at = Site(Origin(answer), cache, clock, rules=RULES, heuristics=True)
        for method in ("GET", "GET", "HEAD", "POST", "GET"):
            for lines in (first, second):
                got = await at.client.send(scope_of("/", method, lines))
                assert got.status in (answer.status, 206, 304, 416, 504)
                assert got.body in (b"one", b"on", b"", b"o", b"n", b"e", b"ne")
            clock.advance(5)
