"""A new secret key for signatures and encryption, while the caches that use it go on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cachekit import Cache, current_load
from cachekit.signing import Signing
from cachekit_aesgcm import AesGcmEncryption
from cachekit_pickle import PickleSerializer
from cachekit_zstd import ZstdCompression
from tests.core.helpers import Load, ends, start, ticks
from tests.serializers.conftest import Plain
from tests.serializers.looking import entry_of, values
from tests.serializers.things import Product, product

pytestmark = pytest.mark.virtual

OLD, NEW = b"o" * 32, b"n" * 32

Options = dict[str, Any]
Keys = Sequence[bytes]


def signing(keys: Keys) -> Options:
    return {"steps": [Signing(keys)]}


def aesgcm(keys: Keys) -> Options:
    return {"steps": [AesGcmEncryption(keys)]}


def pickling(keys: Keys) -> Options:
    return {"serializer": PickleSerializer(keys)}


def all_of_them(keys: Keys) -> Options:
    steps = [ZstdCompression(), Signing(keys, "hmac-sha256"), AesGcmEncryption(keys)]
    return {"serializer": PickleSerializer(keys), "steps": steps}


WAYS = [signing, aesgcm, pickling, all_of_them]


class Service:
    """Processes that know these keys or those, on one store; `k0` to `k4` are its hot keys."""

    def __init__(self, caches: Plain, options_of: Callable[[Keys], Options]) -> None:
        self._caches = caches
        self._options_of = options_of
        self.loads = 0

    def knowing(self, *keys: bytes, **options: Any) -> Cache:
        """A new process; the first key is the one that it writes with."""
        return self._caches(self._caches.slow(), **options, **self._options_of(keys))

    async def reads(self, cache: Cache, **options: Any) -> None:
        """All hot keys, each by several callers at once."""

        async def load(keys: list[str]) -> dict[str, str]:
            self.loads += len(keys)
            await asyncio.sleep(0.01)
            return {key: f"value of {key}" for key in keys}

        keys = [f"k{n}" for n in range(5)]
        calls = [start(cache.get_or_set_many(keys, load, **options)) for _ in range(3)]
        for found in await ends(*calls):
            assert found == {key: f"value of {key}" for key in keys}


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def service(request: pytest.FixtureRequest, caches: Plain) -> Service:
    return Service(caches, request.param)


def foreign(*caches: Cache) -> list[int]:
    return [cache.stats().foreign for cache in caches]


async def test_what_the_old_key_made_is_read_and_what_is_new_is_made_with_the_new_one(
    service: Service,
) -> None:
    before, now = service.knowing(OLD), service.knowing(NEW, OLD)
    await before.set("old", "value")
    await now.set("new", "value")
    assert await now.get_many(["old", "new"]) == {"old": "value", "new": "value"}
    only_new, only_old = service.knowing(NEW), service.knowing(OLD)
    assert await only_new.get("new") == "value"
    assert await only_old.get("new") is None
    assert await only_new.get("old") is None
    await ticks()
    assert await now.get_many(["old", "new"]) == {"old": "value", "new": "value"}
    assert foreign(before, now, only_new, only_old) == [0, 0, 1, 1]


async def test_a_key_that_is_only_known_makes_nothing(service: Service) -> None:
    """So the first step of a rotation changes nothing for those who have not made it yet."""
    first_step, not_yet = service.knowing(OLD, NEW), service.knowing(OLD)
    await first_step.set("k", "value")
    assert await not_yet.get("k") == "value"
    assert foreign(not_yet) == [0]


async def test_what_a_removed_key_made_is_a_miss_that_is_counted(service: Service) -> None:
    before, now = service.knowing(OLD), service.knowing(NEW)
    await before.set_many({"a": 1, "b": 2})
    assert await now.get("a", "default") == "default"
    await ticks()
    assert set(values(now)) == {"a", "b"}  # another process may have the key
    load = Load().finish()
    for _ in range(2):
        assert await now.get_or_set("b", load) == "value 1"
    assert (foreign(now), now.stats().misses, load.calls) == ([2], 2, 1)


async def test_a_rotation_in_its_steps_costs_nothing_until_the_old_key_is_removed(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Two processes, one after the other, at each step."""
    with caplog.at_level(logging.WARNING, "cachekit"):
        fleet = [service.knowing(OLD), service.knowing(OLD)]
        seen: list[Cache] = []
        for keys in ([OLD], [OLD, NEW], [NEW, OLD]):
            for place in range(2):
                fleet[place] = service.knowing(*keys)
                seen += fleet
                for cache in fleet:
                    await service.reads(cache)
        assert (service.loads, set(foreign(*seen)), caplog.records) == (5, {0}, [])
        for place in range(2):
            fleet[place] = service.knowing(NEW)
            for cache in fleet:
                await service.reads(cache)
        # Counted by caller, of whom three ask at once.
        assert (service.loads, foreign(*fleet)) == (10, [15, 0])
    (told,) = caplog.messages
    assert "v:test:k0 counts as a miss: the key " in told


async def test_what_was_loaded_anew_before_the_old_key_was_removed_stays(service: Service) -> None:
    await service.reads(service.knowing(OLD), ttl=10)
    await asyncio.sleep(11)
    await service.reads(service.knowing(NEW, OLD), ttl=10)
    last = service.knowing(NEW)
    await service.reads(last, ttl=10)
    assert (service.loads, foreign(last)) == (10, [0])


async def test_a_refresh_that_finds_nothing_modified_writes_with_the_new_key(
    service: Service,
) -> None:
    options: Any = {"ttl": 10, "stale_if_error": 100}
    await service.knowing(OLD).set("k", "value", **options)
    await asyncio.sleep(11)

    def load() -> Any:
        return current_load().not_modified()

    assert await service.knowing(NEW, OLD).get_or_set("k", load, **options) == "value"
    assert await service.knowing(NEW).get("k") == "value"


async def test_a_touch_leaves_the_bytes_as_they_are(service: Service) -> None:
    """So it needs no key at all."""
    before, neither, now = (service.knowing(*keys) for keys in ([OLD], [b"x" * 32], [NEW, OLD]))
    await before.set("k", "value", ttl=10)
    payload = entry_of(before).payload
    assert await neither.touch("k", 100)
    assert entry_of(before).payload == payload
    assert await now.get("k") == "value"


async def test_a_rotation_in_one_step_costs_loads_and_raises_nothing(service: Service) -> None:
    """Half of the fleet writes with what the other half has never heard of."""
    ahead, behind = service.knowing(NEW, OLD), service.knowing(OLD)
    for _ in range(3):
        await service.reads(ahead)
        await service.reads(behind)
    assert foreign(ahead, behind) == [0, 15]
    assert service.loads == 10
    await asyncio.gather(*(service.reads(cache) for cache in (ahead, behind) for _ in range(3)))
    stats = [cache.stats() for cache in (ahead, behind)]
    assert [(each.load_errors, each.unreached) for each in stats] == [(0, 0)] * 2


async def test_those_without_a_common_key_go_on_beside_each_other(service: Service) -> None:
    one, other = service.knowing(NEW), service.knowing(OLD)
    async with asyncio.TaskGroup() as group:
        for cache in (one, other, one, other):
            group.create_task(service.reads(cache))
    for cache in (one, other):
        await service.reads(cache)
    assert (one.stats().foreign + other.stats().foreign) >= 5
    await one.delete("k0")
    assert await other.get("k0") is None


async def test_an_old_value_that_the_key_is_gone_for_is_not_served_stale(service: Service) -> None:
    options: Any = {"ttl": 10, "stale_while_revalidate": 100, "stale_if_error": 100}
    await service.knowing(OLD).set("k", "old", **options)
    await asyncio.sleep(11)
    now = service.knowing(NEW)
    with pytest.raises(OSError, match="gone"):
        await now.get_or_set("k", Load().fail(OSError("gone")), **options)
    await asyncio.sleep(2)
    assert await now.get_or_set("k", Load().finish(), **options) == "value 1"


@pytest.mark.parametrize("way", [signing, aesgcm], ids=lambda way: way.__name__)
async def test_typed_functions_are_rotated_as_well(
    caches: Plain, way: Callable[[Keys], Options]
) -> None:
    service = Service(caches, way)
    loads = 0

    def of(cache: Cache) -> Any:
        @cache.cached(key="k")
        async def function() -> Product:
            nonlocal loads
            loads += 1
            return product()

        return function

    for keys in ([OLD], [OLD, NEW], [NEW, OLD]):
        assert await of(service.knowing(*keys))() == product()
    assert loads == 1
    assert await of(service.knowing(NEW))() == product()
    assert loads == 2


def test_neither_key_is_shown_by_a_cache_or_an_error(
    blocking: Plain, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for way in WAYS:
            cache = Service(blocking, way).knowing(OLD, NEW)
            cache.sync.set("k", way.__name__)
            other = Service(blocking, way).knowing(NEW)
            assert other.sync.get("k") is None
            assert "oooo" not in repr(cache._engine.policies.own) + repr(
                cache._engine.policies.own.codec.steps
            )
    assert [record for record in caplog.records if "oooo" in record.getMessage()] == []
