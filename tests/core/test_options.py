"""Options: what each one takes, wherever it is given; the rest is an error that names it."""

from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest

from cachekit import Cache, ConfigurationError
from cachekit.options import OF_LOADS
from cachekit.signing import Signing
from tests.core.conftest import Caches
from tests.core.helpers import Load, Loads, PickleSerializer

pytestmark = pytest.mark.virtual

KEYS = [bytes(32)]

NO_SPAN: list[Any] = ["60", nan, inf, True, object(), -1, timedelta(-1), 11 * 365 * 86400]

BAD: dict[str, list[Any]] = {
    "ttl": [0, *NO_SPAN],
    "none_ttl": [0, lambda _: 1, *NO_SPAN],
    "stale_while_revalidate": [None, False, *NO_SPAN],
    "stale_if_error": [None, False, *NO_SPAN],
    "load_timeout": [0, None, *NO_SPAN],
    "soft_timeout": [0, *NO_SPAN],
    "jitter": [1, 1.5, -0.1, nan, True, "0.1", None],
    "early_refresh": [-1, nan, inf, True, "1", None, 1001],
    "when": [None, True, "x > 1"],
    "share": [1, 0, None, "yes"],
    "version": [None, True, 1.5, b"1", "v" * 65, "é" * 33, "\ud800"],
    "serializer": [7, "no such one", None, PickleSerializer],
    "type": [7, None, "Product", [int], object()],
    "steps": [7, None, "zstd", b"", Signing(KEYS), Signing, [Signing], [7], ["zstd"], [[]]],
    "max_value_bytes": [0, -1, True, None, 1.5, "1", 2**32],
}

GOOD: dict[str, list[Any]] = {
    "ttl": [1, 0.001, timedelta(days=1), None, lambda _: 1],
    "none_ttl": [1, timedelta(days=1), None],
    "stale_while_revalidate": [0, 0.0, 5, timedelta(hours=1)],
    "stale_if_error": [0, 0.0, 5, timedelta(hours=1)],
    "load_timeout": [0.1, timedelta(minutes=1)],
    "soft_timeout": [None, 0.1, timedelta(seconds=1)],
    "jitter": [0, 0.0, 0.99],
    "early_refresh": [0, 1, 0.5, 1000],
    "when": [bool, lambda _: True],
    "share": [True, False],
    "version": [1, -1, "2 of july", "v" * 64, "é" * 32, "😀" * 16],
    "serializer": [PickleSerializer(), "msgpack"],
    "steps": [[], (), [Signing(KEYS)], (Signing(KEYS), Signing(KEYS, "hmac-sha256"))],
    "max_value_bytes": [100, 2**32 - 1],
}


def pairs(options: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}={value!r:.20}")
        for name, values in options.items()
        for value in values
    ]


async def load(*_: Any) -> dict[str, str]:
    return {"k": "value"}


@pytest.mark.parametrize(("name", "value"), pairs(BAD))
async def test_a_bad_value(cache: Cache, name: str, value: Any) -> None:
    options: Any = {name: value}
    with pytest.raises(ConfigurationError, match=name):
        Cache(**{"serializer": PickleSerializer(), **options})
    with pytest.raises(ConfigurationError, match=name):
        cache.cached(**options)
    with pytest.raises(ConfigurationError, match=name):
        cache.cached_many(**options)
    with pytest.raises(ConfigurationError, match=name):
        await cache.get_or_set("k", load, **options)
    with pytest.raises(ConfigurationError, match=name):
        await cache.get_or_set_many(["k"], load, **options)
    with pytest.raises(ConfigurationError, match=name):
        cache.sync.get_or_set("k", dict, **options)
    with pytest.raises(ConfigurationError, match=name):
        cache.sync.get_or_set_many(["k"], dict.fromkeys, **options)
    assert not await cache.exists("k")


@pytest.mark.parametrize(("name", "value"), pairs({k: BAD[k] for k in BAD if k not in OF_LOADS}))
async def test_a_bad_value_of_what_is_set(cache: Cache, name: str, value: Any) -> None:
    options: Any = {name: value}
    with pytest.raises(ConfigurationError, match=name):
        await cache.set("k", 1, **options)
    with pytest.raises(ConfigurationError, match=name):
        await cache.set_many({"k": 1}, **options)
    with pytest.raises(ConfigurationError, match=name):
        await cache.add("k", 1, **options)
    with pytest.raises(ConfigurationError, match=name):
        cache.sync.set("k", 1, **options)
    assert not await cache.exists("k")


@pytest.mark.parametrize(("name", "value"), pairs(GOOD))
@pytest.mark.parametrize("kind", ["memory", "slow"])
async def test_a_good_value(caches: Caches, kind: str, name: str, value: Any) -> None:
    """Of the cache, and of a call."""
    options: Any = {name: value}
    for cache, own in (
        (caches(caches.slow() if kind == "slow" else None, **options), {}),
        (caches(caches.slow() if kind == "slow" else None), options),
    ):
        await cache.clear()
        assert await cache.get_or_set("k", Load().finish(), **own) == "value 1"
        assert await cache.get_or_set("k", Load(), **own) == "value 1"
        assert await cache.get_or_set_many(["l"], Loads().finish(), **own) == {"l": "l 1"}
        if name not in OF_LOADS:
            await cache.set("m", 1, **own)
            assert await cache.get_or_set("m", Load(), **own) == 1


async def test_what_is_no_option(cache: Cache) -> None:
    """It may be one that is misspelt: the error has them all."""
    unknown: Any = {"stale_while_revalidating": 60}
    for use in (Cache, cache.cached, cache.cached_many):
        with pytest.raises(TypeError, match=r"stale_while_revalidating.*stale_while_revalidate,"):
            use(**unknown)
    with pytest.raises(TypeError, match="no such option"):
        await cache.get_or_set("k", load, **unknown)
    with pytest.raises(TypeError, match="no such option"):
        await cache.set("k", 1, **unknown)
    with pytest.raises(TypeError, match="no such option"):
        cache.sync.set("k", 1, **unknown)


@pytest.mark.parametrize("name", sorted(OF_LOADS))
async def test_what_is_set_is_not_loaded(cache: Cache, name: str) -> None:
    options: Any = {name: GOOD[name][-1]}
    wrong = pytest.raises(TypeError, match=rf"\['{name}'\] say how a value is loaded")
    for use in (cache.set, cache.add):
        with wrong:
            await use("k", 1, **options)
    for block in (cache.sync.set, cache.sync.add):
        with wrong:
            block("k", 1, **options)
    with wrong:
        await cache.set_many({"k": 1}, **options)
    with wrong:
        cache.sync.set_many({"k": 1}, **options)


async def test_what_is_given_closer_counts(caches: Caches) -> None:
    cache = caches(ttl=100, none_ttl=50)

    @cache.cached(key="f", ttl=10)
    async def function() -> int:
        return 1

    await function()
    await cache.get_or_set("k", load)
    await cache.set("l", 1, ttl=3)
    await cache.set("m", None)
    ttls = []
    for key in "klm":
        entry = await cache.entry(key)
        assert entry is not None
        ttls.append(entry.ttl)
    assert ttls == [100.0, 3.0, 50.0]
    await cache.touch("k", 5)
    found = await cache.entry("k")
    assert found is not None
    assert found.ttl == 5.0
