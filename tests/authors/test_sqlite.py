"""The SQLite backend of the examples: right for one process, and for several at once."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from cachekit import Cache, Prefix, Tag
from cachekit.backend import ABSENT, DONE, FORGET_PREFIX
from cachekit.testing import FakeClock
from cachekit.testing.backends import BackDoor, BackendSuite
from examples.sqlite_backend import SqliteBackend
from tests.authors.shelf import putting
from tests.authors.shop import Shop
from tests.core.test_fork import in_child


class TableDoor(BackDoor):
    """Into the file of a `SqliteBackend`, by a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, key: str) -> bool:
        return self._data(key) is not None

    def drop(self, key: str) -> None:
        self._do("DELETE FROM entries WHERE key = ?", key)

    def damage(self, key: str, change: Callable[[bytes], bytes]) -> None:
        data = self._data(key)
        assert data is not None
        self._do("UPDATE entries SET data = ? WHERE key = ?", change(data), key)

    def count(self) -> int:
        with closing(sqlite3.connect(self._path)) as db:
            (count,) = db.execute("SELECT count(*) FROM entries").fetchone()
        assert isinstance(count, int)
        return count

    def _data(self, key: str) -> bytes | None:
        with closing(sqlite3.connect(self._path)) as db:
            row = db.execute("SELECT data FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def _do(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute(statement, parameters)


class TestSqlite(BackendSuite):
    capabilities = frozenset({FORGET_PREFIX})

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def backend(self, tmp_path: Path, clock: FakeClock) -> SqliteBackend:
        return SqliteBackend(tmp_path / "cache.db", clock=clock)

    @pytest.fixture
    def another_backend(self, tmp_path: Path, clock: FakeClock) -> SqliteBackend:
        return SqliteBackend(tmp_path / "cache.db", clock=clock)

    @pytest.fixture
    def back_door(self, tmp_path: Path) -> TableDoor:
        return TableDoor(tmp_path / "cache.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
async def backend(path: Path) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(path, clock=FakeClock())
    await backend.open()
    yield backend
    await backend.close()


async def test_what_ended_is_swept_by_later_writes(backend: SqliteBackend, path: Path) -> None:
    assert isinstance(backend.clock, FakeClock)
    await backend.write([putting(f"key {n}") for n in range(50)])
    assert TableDoor(path).count() == 50
    backend.clock.advance(10)
    assert await backend.read([f"key {n}" for n in range(50)]) == {}
    await backend.write([putting("new")])
    await backend.write([putting("newer", expected=ABSENT)])
    assert TableDoor(path).count() == 2


async def test_a_prefix_is_taken_literally(backend: SqliteBackend) -> None:
    keys = ["v:a%b", "v:a%", "v:a%~", "v:a_b", "v:ab", "v:b", "w:a%"]
    await backend.write([putting(key) for key in keys])
    assert await backend.forget_prefix(["v:a%", "v:b"]) is DONE
    assert sorted(await backend.read(keys)) == ["v:a_b", "v:ab", "w:a%"]


async def test_more_keys_than_a_statement_has_parameters(backend: SqliteBackend) -> None:
    keys = [f"key {number}" for number in range(40_000)]
    await backend.write([putting("a")])
    assert list(await backend.read([*keys, "a"])) == ["a"]


async def test_a_cache_is_warm_when_it_starts_again(path: Path) -> None:
    for first in (True, False):
        async with Cache(SqliteBackend.from_url(f"sqlite:///{path}"), namespace="shop") as cache:
            if first:
                await cache.set("a", {"price": 3}, tags=["prices"])
                await cache.set("page:1", "text")
            assert await cache.get("a") == {"price": 3}
    async with Cache(SqliteBackend(path), namespace="shop") as cache:
        await cache.invalidate(Tag("prices"), Prefix("page:"))
        assert await cache.get_many(["a", "page:1"]) == {}


async def test_those_who_await_and_those_who_block_share_a_load(path: Path) -> None:
    cache = Cache(SqliteBackend(path), namespace="shop", deadline=5)
    loop, asking = asyncio.get_running_loop(), threading.Event()
    following: list[asyncio.Future[str]] = []

    def follow() -> str:
        asking.set()
        return cache.sync.get_or_set("a", lambda: "another load")

    async def load() -> str:
        following.append(loop.run_in_executor(None, follow))
        await loop.run_in_executor(None, asking.wait)
        return "the load"

    assert await cache.get_or_set("a", load) == "the load"
    assert await following[0] == "the load"
    await cache.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_threads_and_connections_of_its_own(path: Path) -> None:
    cache = Cache(SqliteBackend(path), namespace="shop", deadline=5)
    cache.sync.set("a", 1)

    def child() -> None:
        assert cache.sync.get("a") == 1
        cache.sync.set("a", 2)
        cache.sync.close()

    in_child(child)
    assert cache.sync.get("a") == 2
    cache.sync.close()


def test_several_processes_never_see_what_one_has_forgotten(path: Path) -> None:
    with Shop(path, processes=4, products=20) as shop:
        report = shop.run(rounds=250)
    assert report.stale == 0
    assert report.reads > 2000
    assert report.raises > 100
    assert report.first_loads == [1] * 20
