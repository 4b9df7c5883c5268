"""What type-checkers make of cached methods. Wrong use is marked by the errors it must be."""

from dataclasses import dataclass
from typing import Literal, assert_type

from cachekit import AsyncCached, Cache, Cached
from cachekit.missing import Missing

cache = Cache(disabled=True)

Nothing = Literal[Missing.MISSING]


@dataclass(frozen=True)
class Repo:
    tenant: str

    @cache.cached
    async def fetch(self, number: int) -> str:
        return self.tenant * number

    @cache.cached(ttl=60)
    def read(self, number: int) -> str:
        return self.tenant * number

    @cache.cached
    @classmethod
    def kind(cls, number: int) -> str:
        return cls.__name__ * number

    @classmethod
    @cache.cached
    async def sort(cls, number: int) -> str:
        return cls.__name__ * number

    @cache.cached
    @staticmethod
    def add(a: int, b: int) -> int:
        return a + b

    @staticmethod
    @cache.cached
    def subtract(a: int, b: int) -> int:
        return a - b

    @property
    @cache.cached
    def upper(self) -> str:
        return self.tenant.upper()

    async def uses(self) -> str:
        return await self.fetch(1) + self.read(1) + self.kind(1)


class Sub(Repo):
    pass


async def on_an_object(repo: Repo, sub: Sub) -> None:
    assert_type(await repo.fetch(1), str)
    assert_type(await repo.fetch.get(1), str | Nothing)
    await repo.fetch.invalidate(number=1)
    await repo.fetch.set("a", 1)
    await repo.fetch.clear()
    assert_type(repo.read(1), str)
    repo.read.clear()
    assert_type(sub.read.refresh(1), str)
    assert_type(repo.read.key(1), str)
    assert_type(repo.read.__wrapped__(1), str)
    repo.read.set("a", 1)
    assert_type(repo.upper, str)


async def through_the_class(repo: Repo) -> None:
    assert_type(Repo.read(repo, 1), str)
    assert_type(Repo.read.get(repo, 1), str | Nothing)
    await Repo.fetch.invalidate(repo, 1)


async def of_the_class(repo: Repo) -> None:
    assert_type(Repo.kind(1), str)
    assert_type(repo.kind(1), str)
    assert_type(Sub.kind.get(1), str | Nothing)
    assert_type(await Repo.sort(1), str)
    assert_type(await repo.sort.refresh(1), str)
    assert_type(Repo.add(1, 2), int)
    assert_type(repo.add.refresh(1, 2), int)
    assert_type(Repo.subtract.get(1, 2), int | Nothing)
    assert_type(repo.subtract(1, 2), int)


def takes_methods(read: Cached[[int], str], fetch: AsyncCached[[int], str]) -> None:
    read.invalidate(1)


takes_methods(Repo("a").read, Repo("a").fetch)


async def wrong(repo: Repo) -> None:
    repo.read("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    repo.read(repo, 1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    repo.read.invalidate()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Repo.read(1)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    await repo.fetch.set(1, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Repo.kind("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    repo.add(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
