"""What type-checkers make of the methods of `Cache`. Wrong use is marked by its errors."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, assert_type

from cachekit import MISSING, Cache, Invalidator, Key, Prefix, Tag, Target
from cachekit_memory import MemoryBackend

cache = Cache(disabled=True)


async def load() -> int:
    return 1


def load_now() -> str:
    return "a"


def forget(event: str) -> list[Key]:
    return [Key(event)]


async def reads() -> None:
    assert_type(await cache.get_or_set("k", load), int)
    assert_type(await cache.get_or_set("k", load_now, ttl=None, tags=["t"]), str)
    assert_type(await cache.get_or_set("k", lambda: load()), int)
    assert_type(await cache.get_or_set("k", lambda: [1], ttl=timedelta(seconds=1)), list[int])
    assert_type(cache.sync.get_or_set("k", load_now), str)
    assert_type(await cache.get("k"), Any)
    assert_type(await cache.get_many(["a"]), dict[str, Any])
    assert_type(await cache.exists("k"), bool)
    assert_type(await cache.add("k", 1), bool)
    assert (await cache.get("k", MISSING)) is MISSING


async def writes() -> None:
    await cache.set("k", 1, ttl=1.5)
    await cache.set_many({"a": 1}, ttl=60)
    await cache.invalidate(Tag("t"), Key("k:{}", 1), Prefix("k:"))
    assert_type(await cache.emit("event"), tuple[Target, ...])
    async with cache, cache.deferred():
        await cache.clear()
    with cache.sync, cache.sync.deferred():
        cache.sync.clear()


@cache.on(str)
def registered(event: str) -> Iterable[Target]:
    return [Key(event)]


assert_type(registered("a"), Iterable[Target])
invalidator: Invalidator = forget
Cache(MemoryBackend(), invalidators=[forget, registered], disabled=True)
Cache([MemoryBackend()], invalidators=forget, disabled=True)
Cache("memory://", disabled=True)
Cache(lambda: "memory://", ttl=timedelta(minutes=1), disabled=True)
Cache(MemoryBackend, disabled=True)


async def wrong() -> None:
    await cache.get(1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await cache.set("k", 1, ttl="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cache.set("k", 1, tag=["t"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cache.invalidate("k")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cache.delete_many([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await cache.get_or_set("k", load())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await cache.get_or_set("k", forget)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    number: int = cache.sync.get_or_set("k", load_now)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    number = await cache.get_or_set("k", load_now)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    number.bit_length()
    Cache(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cache(serializer=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with cache:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
