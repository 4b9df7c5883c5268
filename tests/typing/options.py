"""What type-checkers make of options and of loads. Wrong use is marked by the errors it must be."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, assert_type

from cachekit import (
    MISSING,
    Cache,
    CacheEntry,
    Lifetime,
    Listener,
    Load,
    Options,
    current_load,
)

cache = Cache(
    disabled=True,
    ttl=timedelta(minutes=5),
    none_ttl=5,
    jitter=0.1,
    stale_while_revalidate=60,
    stale_if_error=timedelta(hours=1),
    early_refresh=1,
    soft_timeout=None,
    load_timeout=10.0,
    share=True,
    version="2",
    when=bool,
    serializer="msgpack",
    max_loads=10,
)
shared: Options = {"ttl": 60, "soft_timeout": 0.5, "when": lambda value: value > 1}
kept: Lifetime = {"ttl": None, "version": 3}


def ttl_of(value: Any) -> float | None:
    return None if value is None else 1.0


def is_good(value: int) -> bool:
    return value > 0


async def load() -> int:
    under_way = current_load()
    assert_type(under_way, Load)
    under_way.ttl = timedelta(seconds=1)
    under_way.ttl = None
    under_way.tag("a", f"b:{under_way.key}")
    if under_way.old is not MISSING:
        assert_type(under_way.not_modified(), Any)
    under_way.skip()
    return 1


@cache.cached(ttl=ttl_of, when=is_good, none_ttl=None, version=2)
async def number(n: int) -> int:
    return n


@cache.cached(ttl=lambda value: timedelta(days=1), early_refresh=2.0, load_timeout=1)
def text(n: int) -> str:
    return str(n)


class Session:
    pass


@asynccontextmanager
async def session() -> AsyncGenerator[Mapping[str, Any]]:
    yield {"session": Session()}


@contextmanager
def plain_session() -> Generator[dict[str, Session]]:
    yield {"session": Session()}


@cache.cached(ignore=["session"], refresh_scope=session, stale_while_revalidate=10)
async def with_session(session: Session, n: int) -> int:
    return n


@cache.cached(ignore="session", refresh_scope=plain_session)
def with_plain_session(session: Session, n: int) -> int:
    return n


async def calls() -> None:
    assert_type(await cache.get_or_set("k", load, ttl=ttl_of, when=is_good), int)
    assert_type(cache.sync.get_or_set("k", lambda: 1, **shared), int)
    assert_type(cache.sync.get_or_set("k", lambda: "a", soft_timeout=1, stale_if_error=9), str)
    await cache.set("k", 1, ttl=lambda value: value, share=False, version=1)
    await cache.set_many({"k": 1}, none_ttl=1, stale_while_revalidate=timedelta(1))
    assert_type(await cache.add("k", 1, **kept), bool)
    assert_type(await number(1), int)
    assert_type(await with_session(Session(), 1), int)
    assert_type(with_plain_session(Session(), n=1), int)
    assert_type(text(1), str)


async def clears() -> None:
    await number.clear()
    text.clear()
    assert_type(await cache.touch("k"), bool)
    assert_type(await cache.touch("k", timedelta(minutes=1)), bool)
    assert_type(await cache.touch("k", None), bool)
    assert_type(cache.sync.touch("k", 10), bool)


async def looks() -> None:
    entry = await cache.entry("k")
    assert_type(entry, CacheEntry | None)
    assert_type(cache.sync.entry("k"), CacheEntry | None)
    if entry is not None:
        assert_type(entry.value, Any)
        assert_type(entry.age, float)
        assert_type(entry.ttl, float | None)
        assert_type(entry.fresh, bool)
        assert_type(entry.tags, tuple[str, ...])
        assert_type(entry.version, int)


class Counting(Listener):
    def hit(self, name: str, key: str) -> None:
        print(name, key)

    def load(self, name: str, key: str) -> AbstractContextManager[None]:
        return nullcontext()


Cache(listeners=[Counting(), Listener()], disabled=True)


class Wrong(Listener):
    def hit(self, key: str) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        pass

    def load(self, name: str, key: str) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


async def wrong() -> None:
    Cache(tll=60)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Cache(stale_if_error="1h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cache(max_loads=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cache(listeners=[Session()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Cache(listeners=Counting())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.cached(none_tll=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    cache.cached(version=1.5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    cache.cached(ttl=lambda value: "60")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    cache.cached(when=60)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    cache.cached(refresh_scope=session())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.cached(refresh_scope=load)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cache.get_or_set("k", load, soft_timout=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await cache.get_or_set("k", load, load_timeout=None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    cache.sync.get_or_set("k", is_good, ttl=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.sync.get_or_set("k", ttl_of(1), jitter="0.1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cache.set("k", 1, when=bool)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cache.set("k", 1, load_timeout=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cache.set_many({"k": 1}, stale_while_revalidate=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await cache.add("k", 1, shared=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cache.touch("k", "60")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await number.clear(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    text.clear("k")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    current_load().ttl = "60"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    current_load().tag(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    current_load().key.skip()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    entry = await cache.entry("k")
    print(entry.age)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    misspelt: Options = {"ttl": 1, "stale_if_eror": 1}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportAssignmentType]
    print(misspelt)
