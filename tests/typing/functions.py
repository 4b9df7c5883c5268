"""What type-checkers make of cached functions. Wrong use is marked by the errors it must be."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Literal, assert_type

from cachekit import AsyncCached, Cache, Cached, Info
from cachekit.missing import Missing

cache = Cache(disabled=True)

Nothing = Literal[Missing.MISSING]


@cache.cached
async def product(number: int, *, lang: str = "en") -> list[str]:
    return [lang] * number


@cache.cached(ttl=60, key="plain:{number}", tags=["plain"])
def plain(number: int, *, lang: str = "en") -> list[str]:
    return [lang] * number


@cache.cached
def flexible(first: Any, *rest: int, **more: str) -> int | None:
    return len(rest) + len(more)


async def of_an_async_function() -> None:
    assert_type(await product(1, lang="de"), list[str])
    assert_type(await product.get(1), list[str] | Nothing)
    assert_type(await product.refresh(number=1), list[str])
    assert_type(product.key(1), str)
    assert_type(product.info, Info)
    assert_type(await product.__wrapped__(1), list[str])
    await product.set(["a"], 1, lang="de")
    await product.invalidate(1)


def of_a_plain_function() -> None:
    assert_type(plain(1, lang="de"), list[str])
    assert_type(plain.get(1), list[str] | Nothing)
    assert_type(plain.refresh(number=1), list[str])
    assert_type(plain.key(1), str)
    assert_type(plain.__wrapped__(1), list[str])
    plain.set(["a"], 1, lang="de")
    plain.invalidate(1)
    assert_type(flexible("x", 1, 2, a="b"), int | None)


def takes_functions(
    named: Cached[[int], list[str]],
    callable_: Callable[[int], list[str]],
    awaits: Callable[[int], Awaitable[list[str]]],
    coroutine: Callable[[int], Coroutine[Any, Any, list[str]]],
    async_named: AsyncCached[[int], list[str]],
) -> None:
    named.invalidate(1)
    asyncio.run(async_named.invalidate(1))


@cache.cached
def one(number: int, /) -> list[str]:
    return [str(number)]


@cache.cached
async def later(number: int, /) -> list[str]:
    return [str(number)]


takes_functions(one, plain, product, later, later)
assert_type(partial(plain, 1)(), list[str])


async def wrong() -> None:
    await product("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await product()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await product(1, "de")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await product.get("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await product.invalidate()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await product.set("a", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    product.key(lang=1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    plain("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    plain.set(["a"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    plain.set([1], 1)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    len(product(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.cached(60)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    cache.cached(ttl="60")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    cache.cached(time=60)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
