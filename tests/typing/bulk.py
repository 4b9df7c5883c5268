"""What type-checkers make of several keys at once. Wrong use is marked by the errors it must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_type

from cachekit import AsyncCachedMany, Cache, CachedMany, Info
from cachekit.cached_many import CachedManyMethod

cache = Cache(disabled=True)


async def load_all(keys: list[str]) -> dict[str, int]:
    return {key: len(key) for key in keys}


def load_all_now(keys: Sequence[str]) -> Mapping[str, list[str]]:
    return {key: [key] for key in keys}


async def directly() -> None:
    assert_type(await cache.get_or_set_many(["a"], load_all), dict[str, int])
    assert_type(await cache.get_or_set_many({"a"}, load_all_now, ttl=1), dict[str, list[str]])
    assert_type(
        await cache.get_or_set_many(("a",), lambda keys: load_all(keys), tags=["t"]),
        dict[str, int],
    )
    assert_type(cache.sync.get_or_set_many(["a"], load_all_now, when=bool), dict[str, list[str]])
    assert_type(await cache.get_many(["a"]), dict[str, Any])


@cache.cached_many
async def products(ids: list[int], lang: str = "en") -> dict[int, str]:
    return dict.fromkeys(ids, lang)


@cache.cached_many(ttl=60, key="name:{ids}", tags=["names"], when=bool)
def names(ids: list[str], *, short: bool = False) -> Mapping[str, bytes | None]:
    return dict.fromkeys(ids)


@cache.cached_many
def any_sequence(ids: Sequence[int]) -> dict[int, str]:
    return {}


async def of_an_async_function() -> None:
    assert_type(await products([1, 2], lang="de"), dict[int, str])
    assert_type(await products({1}, "de"), dict[int, str])
    assert_type(await products.get(range(3)), dict[int, str])
    assert_type(await products.refresh([1]), dict[int, str])
    assert_type(products.key(1, "de"), str)
    assert_type(products.info, Info)
    await products.set({1: "a"}, lang="de")
    await products.invalidate([1], "de")
    await products.clear()
    assert_type(await products.__wrapped__([1]), Mapping[int, str])


def of_a_plain_function() -> None:
    assert_type(names(["a"], short=True), dict[str, bytes | None])
    assert_type(names.get(["a"]), dict[str, bytes | None])
    assert_type(names.refresh(["a"]), dict[str, bytes | None])
    assert_type(names.key("a"), str)
    names.set({"a": b"a"})
    names.invalidate(["a"], short=True)
    names.clear()
    assert_type(any_sequence([1]), dict[int, str])


def takes_functions(named: CachedMany[int, [], str], of: AsyncCachedMany[int, [str], str]) -> None:
    named.invalidate([1])


takes_functions(any_sequence, products)


@dataclass(frozen=True)
class Repo:
    tenant: str

    @cache.cached_many
    async def fetch(self, ids: list[int], lang: str = "en") -> dict[int, str]:
        return dict.fromkeys(ids, lang)

    @cache.cached_many(ttl=60)
    def read(self, ids: list[int], *, lang: str = "en") -> dict[int, str]:
        return dict.fromkeys(ids, lang)

    @cache.cached_many
    @classmethod
    def kind(cls, ids: list[int]) -> dict[int, str]:
        return dict.fromkeys(ids, cls.__name__)

    @classmethod
    @cache.cached_many(ttl=60)
    async def sort(cls, ids: list[int]) -> dict[int, str]:
        return dict.fromkeys(ids, cls.__name__)

    @cache.cached_many
    @staticmethod
    def add(ids: list[int], more: int) -> dict[int, int]:
        return {each: each + more for each in ids}

    @staticmethod
    @cache.cached_many
    def subtract(ids: list[int], less: int) -> dict[int, int]:
        return {each: each - less for each in ids}


class Sub(Repo):
    pass


async def on_an_object(repo: Repo, sub: Sub) -> None:
    assert_type(await repo.fetch([1], "de"), dict[int, str])
    assert_type(await repo.fetch.get([1], lang="de"), dict[int, str])
    await repo.fetch.invalidate([1])
    await repo.fetch.clear()
    assert_type(repo.read([1], lang="de"), dict[int, str])
    assert_type(sub.read.refresh([1]), dict[int, str])
    assert_type(repo.read.key(1), str)
    repo.read.set({1: "a"}, lang="de")


async def of_the_class(repo: Repo) -> None:
    assert_type(Repo.kind([1]), dict[int, str])
    assert_type(repo.kind.get([1]), dict[int, str])
    assert_type(await Sub.sort([1]), dict[int, str])
    assert_type(await repo.sort.refresh([1]), dict[int, str])
    assert_type(Repo.add([1], 2), dict[int, int])
    assert_type(repo.add.get([1], more=2), dict[int, int])
    assert_type(repo.subtract([1], 2), dict[int, int])


def takes_methods(read: CachedMany[int, [], str], of: CachedManyMethod[Repo, int, [], str]) -> None:
    read.invalidate([1])


async def no_mapping(ids: list[int]) -> list[str]:
    return []


def no_list(number: int) -> dict[int, str]:
    return {}


async def wrong(repo: Repo) -> None:
    await cache.get_or_set_many("a", load_all_now(["a"]))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await cache.get_or_set_many([1], load_all)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await cache.get_or_set_many(["a"], no_mapping)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await cache.get_or_set_many(["a"], load_all, tll=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    cache.sync.get_or_set_many(["a"], load_all)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    numbers: dict[str, str] = await cache.get_or_set_many(["a"], load_all)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    numbers.clear()
    await products(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await products(["1"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await products([1], 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await products([1], land="de")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    products.key([1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await products.set([1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await products.set({"1": "a"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await products.set({1: 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    products([1])[1]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    names.invalidate()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    names.get([1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    names.clear(["a"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    cache.cached_many(no_mapping)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    cache.cached_many(no_list)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    cache.cached_many(tll=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    cache.cached_many(ttl=1)(no_mapping)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    repo.read(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    repo.read(repo, [1])  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    repo.read.set({1: 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    await repo.fetch.get(["1"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Repo.kind(["1"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    repo.add([1])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Repo.read([1])
