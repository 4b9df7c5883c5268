"""For how long a server keeps what was written, in whole seconds, and how long it is served."""

import time
from math import ceil
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachekit import Cache
from cachekit.backend import ABSENT, ANY, DONE, REFUSED, Condition
from cachekit.entry import Kind
from cachekit.testing.backends.entries import an_entry
from cachekit.testing.backends.subject import write
from cachekit_memcached import MemcachedBackend
from cachekit_memcached.changes import LAST, MONTH, expiry
from tests.memcached.place import PATIENCE, Place
from tests.servers.memcached import MemcachedServer

VERSION: Final = 5
NOW: Final = 1_800_000_000.25
DAY: Final = 86_400.0
YEARS: Final = 3650 * DAY

TABLE: Final[dict[float | None, int]] = {
    -5.0: MONTH + 1,
    -1.0: MONTH + 1,
    0.0: MONTH + 1,
    1e-9: 2,
    0.001: 2,
    0.3: 2,
    0.999: 2,
    1.0: 2,
    1.001: 3,
    1.5: 3,
    2.0: 3,
    59.9: 61,
    60.0: 61,
    DAY: 86_401,
    MONTH - 1.0: MONTH,
    MONTH - 0.5: 1_800_000_001 + MONTH,
    MONTH: 1_800_000_002 + MONTH,
    MONTH + 1.0: 1_800_000_003 + MONTH,
    YEARS: 1_800_000_002 + int(YEARS),
    2 * YEARS: 0,
    None: 0,
}
"""Seconds to keep something from `NOW` on, and what a server is told: up to 30 days so many
seconds, more are a date. One that has passed is no more than that; 0 is for good."""


@pytest.mark.parametrize("keep", TABLE, ids=str)
def test_what_a_server_is_told(keep: float | None) -> None:
    assert expiry(keep, NOW) == TABLE[keep]


SPANS: Final = st.one_of(
    st.floats(1e-6, 3 * YEARS),
    st.floats(MONTH - 3, MONTH + 3),
    st.integers(1, int(YEARS)).map(float),
)
TIMES: Final = st.one_of(st.floats(1.6e9, 5e9), st.floats(LAST - YEARS, LAST + 100.0))
"""From 2020 to 2128: the last date there is passes in 2038."""


@given(SPANS, TIMES)
def test_nothing_ends_before_its_time(keep: float, now: float) -> None:
    """A server counts once a second, so that what it is told may be over one second earlier."""
    told = expiry(keep, now)
    assert 0 <= told <= LAST
    if 0 < told <= MONTH:
        assert keep + 1 <= told <= keep + 2
    elif told:
        assert now + keep + 1 <= told <= now + keep + 2 + 1e-3
        assert told > now
    else:
        assert now + keep > LAST - 2


@given(SPANS, TIMES)
def test_what_has_longer_does_not_end_earlier(keep: float, now: float) -> None:
    def end(keep: float) -> float:
        told = expiry(keep, now)
        return now + told if 0 < told <= MONTH else told or 2.0**40

    assert end(keep) <= end(keep * 1.5) + 1


@given(st.floats(-YEARS, 0.0), TIMES)
def test_what_is_past_its_time_is_gone(keep: float, now: float) -> None:
    assert expiry(keep, now) == MONTH + 1


# -- on a server


@pytest.mark.parametrize("expected", [ANY, ABSENT, VERSION], ids=str)
@pytest.mark.parametrize("kind", [Kind.VALUE, Kind.STUB], ids=str)
async def test_a_server_keeps_it_so_long(
    place: Place, backend: MemcachedBackend, kind: Kind, expected: int | Condition
) -> None:
    for keep in TABLE:
        key = f"v:{keep}"
        if expected == VERSION:
            assert await write(backend, key, an_entry(version=VERSION, keep=60.0)) is DONE
        assert await write(backend, key, an_entry(kind, keep=keep), expected) is DONE
        left = place.left(key)
        if keep is None or keep == 2 * YEARS:
            assert left == -1
        elif keep <= 0:
            assert left is None
        else:
            assert left is not None
            assert ceil(keep) - 1 <= left <= ceil(keep) + 3, keep


async def test_what_is_past_its_time_makes_room(backend: MemcachedBackend) -> None:
    """It is written and was there for no time."""
    for keep in (0.0, -0.5, -1.0, -5.0):
        assert await write(backend, "v:k", an_entry(version=VERSION, keep=keep), ABSENT) is DONE
        assert await backend.read(["v:k"]) == {}
        assert await write(backend, "v:k", an_entry(), VERSION) is REFUSED


TTLS: Final = [0.3, 0.999, 1.0, 1.5, 60.0, MONTH - 1.0, MONTH, MONTH + 1.0, 365 * DAY, YEARS, None]


async def test_a_cache_may_have_any_ttl(place: Place) -> None:
    """However short or long: it is kept for that time, and can be given another one."""
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        for ttl in TTLS:
            key = f"{ttl}"
            await cache.set(key, "value", ttl=ttl)
            left = place.left(f"v:n:{key}")
            assert left is not None, key
            assert left == -1 if ttl is None else left >= ttl, key
            if ttl is None or ttl >= 60:
                assert await cache.get(key) == "value", key
                assert await cache.touch(key, 1000.0), key
                assert 1000 <= (place.left(f"v:n:{key}") or 0) <= 1100, key


async def test_it_is_served_to_the_fraction_of_a_second(place: Place) -> None:
    """The server still has it then, and would for longer."""
    ttl = 0.3
    async with Cache(place.backend(), namespace="n", deadline=PATIENCE) as cache:
        before = time.monotonic()
        await cache.set("k", "value", ttl=ttl)
        after = time.monotonic()
        found: object = "value"
        while found is not None:
            asked = time.monotonic()
            found = await cache.get("k")
            answered = time.monotonic()
            assert found is None or asked < after + ttl + 0.01
            assert found is not None or answered > before + ttl - 0.01
        assert place.held("v:n:k") is not None
        assert await cache.get_many(["k"]) == {}
        assert not await cache.exists("k")
        assert await cache.get_or_set("k", lambda: "new", ttl=60) == "new"


async def test_what_ends_soon_is_gone_then(memcached_server: MemcachedServer, prefix: str) -> None:
    """By the server's own time, three seconds later at most: a lease of who has died."""
    backend = Place([memcached_server], prefix).backend()
    assert await write(backend, "v:k", an_entry(Kind.STUB, keep=0.1), ABSENT) is DONE
    written = time.monotonic()
    while await write(backend, "v:k", an_entry(keep=60.0), ABSENT) is REFUSED:
        pass
    assert 0.1 <= time.monotonic() - written < 3.0
    await backend.close()
